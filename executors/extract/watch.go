package extract

import (
	"context"
	"io"
)

// watch lets the work on a page be stopped from outside. The walks through a page
// are deep and many and none of them has anything to say about being stopped, so
// that a check which finds the context done unwinds them with a panic of its own
// type; the exported functions turn it into an error (see guard). No such panic
// leaves the package.
//
// The zero watch, and a nil one, never stop anything.
type watch struct {
	err   func() error // of the context that rules at present
	steps uint
}

// checkEvery is the number of steps between two looks at the context. A step takes
// far less than a microsecond, or looks at a bounded piece of text.
const checkEvery = 256

// stopped is what a check panics with.
type stopped struct{ err error }

// step counts one step of a walk and looks at the context now and then.
func (w *watch) step() {
	if w == nil {
		return
	}
	w.steps++
	if w.steps%checkEvery == 0 {
		w.check()
	}
}

// check looks at the context. It is for work of which one step takes long.
func (w *watch) check() {
	if w == nil || w.err == nil {
		return
	}
	if err := w.err(); err != nil {
		panic(stopped{err})
	}
}

// guard does the work under a context and returns the context's error when that
// ended it.
func (w *watch) guard(ctx context.Context, work func()) (err error) {
	w.err = ctx.Err
	defer func() {
		w.err = nil
		switch r := recover().(type) {
		case nil:
		case stopped:
			err = r.err
		default:
			panic(r)
		}
	}()
	w.check()
	work()
	return nil
}

// reader fails with the context's error once that is done, so that parsers which
// read from it end.
func (w *watch) reader(from io.Reader) io.Reader { return &watchedReader{from: from, watch: w} }

type watchedReader struct {
	from  io.Reader
	watch *watch
	err   error // of the context; kept, as parsers wrap or replace what they are given
}

// Read implements io.Reader.
func (r *watchedReader) Read(p []byte) (int, error) {
	if r.err == nil && r.watch != nil && r.watch.err != nil {
		r.err = r.watch.err()
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.from.Read(p)
}
