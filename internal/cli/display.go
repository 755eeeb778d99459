package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// lineEvery is the least time between two plain lines of a run that only advances.
const lineEvery = 5 * time.Second

// display shows views. It is used from one goroutine.
type display interface {
	// draw shows the present moment.
	draw(v view)
	// ask prints a question beneath and leaves it alone until the next draw.
	ask(question string)
	// finish shows the last moment and leaves it standing.
	finish(v view)
}

func newDisplay(s Streams) display {
	if s.Size != nil {
		return &liveDisplay{out: s.Err, size: s.Size, colour: s.Colour}
	}
	return &lineDisplay{out: s.Err}
}

// liveDisplay redraws a block of lines in place.
type liveDisplay struct {
	out    io.Writer
	size   func() (columns, rows int)
	colour bool
	// drawn is the number of lines of the block that stand above the cursor.
	drawn int
}

func (d *liveDisplay) draw(v view) {
	columns, rows := d.size()
	// The last column stays empty: some terminals wrap when it is written.
	lines := renderLive(v, style{columns: columns - 1, colour: d.colour})
	// What has scrolled out of the screen cannot be redrawn.
	lines = lines[:min(len(lines), max(rows-1, 1))]
	var b strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", d.drawn)
	}
	b.WriteByte('\r')
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	d.drawn = len(lines)
	// A terminal that is gone is noticed by the signal that comes with it.
	_, _ = io.WriteString(d.out, b.String())
}

// ask leaves the block as it stands; the next draw begins a new one below the answer.
func (d *liveDisplay) ask(question string) {
	d.drawn = 0
	_, _ = io.WriteString(d.out, "\r\x1b[K"+question)
}

func (d *liveDisplay) finish(v view) {
	d.draw(v)
	d.drawn = 0
}

// lineDisplay writes a line when something changed: at once when it is the status
// or a notice, otherwise no more often than lineEvery.
type lineDisplay struct {
	out     io.Writer
	started bool
	last    view
}

func (d *lineDisplay) draw(v view) {
	if v.notice != d.last.notice && v.notice != "" {
		d.print(clock(v.elapsed) + "  " + v.notice)
	}
	d.last.notice = v.notice
	turned := !d.started || v.stats.Status != d.last.stats.Status
	advanced := done(v.stats) != done(d.last.stats) || v.stats.Running != d.last.stats.Running ||
		v.stats.Retries != d.last.stats.Retries
	if turned || (advanced && v.elapsed-d.last.elapsed >= lineEvery) {
		d.show(v)
	}
}

func (d *lineDisplay) ask(question string) { d.print(question) }

func (d *lineDisplay) finish(v view) {
	if !d.started || done(v.stats) != done(d.last.stats) || v.stats.Status != d.last.stats.Status {
		d.show(v)
	}
}

func (d *lineDisplay) show(v view) {
	d.started, d.last = true, v
	d.print(renderLine(v))
}

func (d *lineDisplay) print(line string) { _, _ = fmt.Fprintln(d.out, line) }
