package browser

import (
	"context"
	"os"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
)

// pool holds the browsers. There is a slot for each that may run; a job takes a slot, and
// the browser that was idle last, if there is one.
type pool struct {
	config  Config
	program func() (program, error)
	ctx     context.Context //nolint:containedctx // it is the life of the pool, which ends with close
	cancel  context.CancelFunc
	slots   chan struct{} // has a value for each that is taken
	// sandboxless says that the system gives Chromium no sandbox.
	sandboxless atomic.Bool

	opened sync.Once
	failed error // of opening
	home   *home
	proxy  *egress.Proxy

	mu      sync.Mutex
	idle    []*process
	running map[*process]struct{}
	closed  bool
}

func newPool(config Config, find func() (program, error)) *pool {
	ctx, cancel := context.WithCancel(context.Background())
	return &pool{
		config: config, program: find, ctx: ctx, cancel: cancel,
		slots: make(chan struct{}, config.Browsers), running: map[*process]struct{}{},
	}
}

// open makes what all browsers share, once.
func (p *pool) open() error {
	p.opened.Do(func() {
		if p.home, p.failed = openHome(os.TempDir()); p.failed == nil {
			p.proxy, p.failed = egress.Listen(p.ctx, p.config.egress)
		}
	})
	return p.failed
}

// acquire takes a slot and gives a browser that is fit for a job. It has to be released.
func (p *pool) acquire(ctx context.Context) (*process, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, errClosed()
	}
	for b := p.pop(); b != nil; b = p.pop() {
		if !b.unfit.Load() {
			return b, nil
		}
		p.discard(b) // it has died while nobody looked
	}
	b, err := p.fill(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return b, nil
}

// pop takes the browser that was idle last; nil when none is idle.
func (p *pool) pop() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	b := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return b
}

func errClosed() error {
	return failure.New(failure.Transient, CodeCrashed, "the worker is shutting down")
}

func (p *pool) fill(ctx context.Context) (*process, error) {
	p.mu.Lock()
	closed := p.closed
	var err error
	if !closed {
		err = p.open()
	}
	p.mu.Unlock()
	if closed {
		return nil, errClosed()
	}
	if err != nil {
		return nil, failure.Wrap(err, failure.Transient, CodeStart, "the browser did not start")
	}
	b, err := p.launch(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.running[b] = struct{}{}
	closed = p.closed
	p.mu.Unlock()
	if closed {
		p.discard(b)
		return nil, errClosed()
	}
	return b, nil
}

// release gives a slot back. The browser stays for the next job unless it is to be
// replaced.
func (p *pool) release(b *process) {
	b.jobs++
	if !b.unfit.Load() && (b.jobs >= p.config.JobsPerBrowser || memoryOf(b.group) > p.config.MaxMemory) {
		b.unfit.Store(true)
	}
	p.mu.Lock()
	keep := !p.closed && !b.unfit.Load()
	if keep {
		p.idle = append(p.idle, b)
	}
	p.mu.Unlock()
	if !keep {
		p.discard(b)
	}
	<-p.slots
}

// discard ends a browser, if there is one.
func (p *pool) discard(b *process) {
	if b == nil {
		return
	}
	if err := b.remove(); err != nil {
		p.config.Log.Warn("a browser has left something behind", zap.Error(err))
	}
	p.mu.Lock()
	delete(p.running, b)
	p.mu.Unlock()
	p.config.Log.Debug("a browser has ended", zap.Int("pid", b.group), zap.Int("jobs", b.jobs))
}

// close ends all browsers, those that are busy too, and waits until all are gone.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for b := range p.running {
		b.end()
	}
	p.mu.Unlock()
	p.cancel()
	for range p.config.Browsers {
		p.slots <- struct{}{} // those that are taken come back when their job is over
	}
	for b := p.pop(); b != nil; b = p.pop() {
		p.discard(b)
	}
	if p.proxy != nil {
		if err := p.proxy.Close(); err != nil {
			p.config.Log.Warn("the outbound proxy was not closed well", zap.Error(err))
		}
	}
	if p.home != nil {
		if err := p.home.close(); err != nil {
			p.config.Log.Warn("the directory for browsers was not removed", zap.Error(err))
		}
	}
}
