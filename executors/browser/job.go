package browser

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
)

const (
	// closeTimeout is how long the tab of a job may take to close.
	closeTimeout = 10 * time.Second
	// afterTimeout is what may take time when the deadline has passed: to find out
	// whether the page still answers, and to take its picture.
	afterTimeout = 5 * time.Second
	// memoryInterval is the time between two looks at what a browser takes.
	memoryInterval = time.Second
)

// job is one attempt at one page.
type job struct {
	executor *Executor
	browser  *process
	settings Settings
	req      executors.Request
	address  *url.URL
	say      func(string)

	grant    *egress.Grant
	tab      context.Context //nolint:containedctx // chromedp keeps its tab in a context
	context  cdp.BrowserContextID
	target   target.ID
	watcher  *watcher
	requests atomic.Int64
	bloated  atomic.Bool

	answering sync.Mutex
	answers   sync.WaitGroup
	over      bool

	notes   []string
	outcome executors.Outcome
}

// run does the attempt and leaves the browser as it found it, or unfit.
func (j *job) run(ctx context.Context) (executors.Outcome, error) {
	j.outcome.Evidence.FetchedAt = time.Now().UTC()
	j.grant = j.executor.pool.proxy.Grant(j.executor.config.MaxTransfer)
	defer j.grant.Close()
	tab, closeTab := chromedp.NewContext(j.browser.ctx, chromedp.WithNewBrowserContext())
	j.tab = tab
	limited, cancel := context.WithTimeout(tab, j.settings.timeout())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	defer j.watchMemory(limited)()

	err := j.attempt(limited)
	err = j.cause(ctx, limited, err)
	if err != nil && ctx.Err() == nil && !j.browser.unfit.Load() {
		err = j.aftermath(limited, err)
	}
	if ctx.Err() != nil {
		j.spoil("its job was given up")
	}
	j.leave(closeTab)
	j.outcome.Usage = executors.Usage{
		Requests: int(j.requests.Load()), Bytes: j.grant.Usage().Bytes, Steps: j.outcome.Usage.Steps,
	}
	j.outcome.Raw = j.raw()
	return j.outcome, err
}

// attempt opens the page, does the steps and reads it.
func (j *job) attempt(ctx context.Context) error {
	if err := j.open(ctx); err != nil {
		return err
	}
	if err := j.prepare(ctx); err != nil {
		return err
	}
	if err := j.navigate(ctx); err != nil {
		return err
	}
	for i, step := range j.settings.Steps {
		if err := j.step(ctx, i, step); err != nil {
			return err
		}
		j.outcome.Usage.Steps++
	}
	j.say("reading " + j.address.Hostname())
	return j.read(ctx)
}

// open makes the tab. The context of chromedp's first call is the life of the tab, so
// the deadline has to end a browser that does not answer.
func (j *job) open(ctx context.Context) error {
	defer context.AfterFunc(ctx, j.browser.end)()
	return chromedp.Do(j.tab)
}

// emulate makes the tab what the project wants it to be, and has requests pass by us.
func (j *job) emulate(ctx context.Context) error {
	agent := emulation.SetUserAgentOverrideParams{UserAgent: j.browser.userAgent}
	if j.settings.UserAgent != nil {
		agent.UserAgent = *j.settings.UserAgent
	}
	if j.settings.AcceptLanguage != nil {
		agent.AcceptLanguage = *j.settings.AcceptLanguage
	}
	yes := true
	return errors.Join(
		call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: j.settings.Viewport.Width, Height: j.settings.Viewport.Height, DeviceScaleFactor: 1,
		}),
		call(ctx, emulation.SetUserAgentOverride, agent),
		call(ctx, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}),
		call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: oneWindowScript}),
		call(ctx, page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true}),
		call(ctx, fetch.Enable, fetch.EnableParams{
			Patterns: []*fetch.RequestPattern{{URLPattern: "*"}}, HandleAuthRequests: &yes,
		}),
	)
}

// call is for commands whose answer says nothing.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// cause says why the attempt really failed: what is seen first is often only what
// followed from it.
func (j *job) cause(caller, limited context.Context, err error) error {
	var known *failure.Error
	switch {
	case err == nil:
		return nil
	case caller.Err() != nil:
		return caller.Err()
	case j.bloated.Load():
		return failure.New(failure.Permanent, CodeMemory, "the browser took more than %d bytes of memory for the page", j.executor.config.MaxMemory)
	case j.watcher != nil && j.watcher.look().crashed:
		j.spoil("its page crashed")
		return failure.Wrap(err, failure.Transient, CodePageCrashed, "the page crashed")
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return failure.Wrap(err, failure.Timeout, CodeTimeout, "the page was not done after %v", j.settings.timeout())
	case j.browser.unfit.Load():
		return failure.Wrap(err, failure.Transient, CodeCrashed, "the browser crashed")
	case errors.As(err, &known):
		return err
	}
	j.spoil(err.Error())
	return failure.Wrap(err, failure.Transient, CodeCrashed, "the browser does not answer as it should")
}

// aftermath looks at the page of a failed attempt: it may refuse its visitor, which is
// then what the attempt came to, and it is shown to people. A page that does not answer
// has the browser replaced.
func (j *job) aftermath(limited context.Context, failed error) error {
	ctx, cancel := context.WithTimeout(j.tab, afterTimeout)
	defer cancel()
	if limited.Err() != nil && j.watcher != nil {
		// While another page is on its way, the browser keeps what is for this one.
		if err := errors.Join(call(ctx, page.StopLoading, cdp.Empty{}), evaluate(ctx, j, "1", nil)); err != nil {
			j.spoil("its page does not answer: " + err.Error())
			return failed
		}
	}
	if j.watcher == nil || j.watcher.look().shown.status == 0 {
		return failed // there is nothing to see
	}
	var known *failure.Error
	if errors.As(failed, &known) {
		reason := j.blocked(ctx)
		switch {
		case reason == "":
		case known.Code == CodeNoSelector:
			j.outcome.Blocked, failed = reason, nil
		case strings.HasPrefix(known.Code, "HTTP_"):
			known.Message += "; " + reason
		}
	}
	j.shoot(ctx)
	return failed
}

// leave closes the tab, and with it all that the job has left in the browser.
func (j *job) leave(closeTab func()) {
	if j.browser.unfit.Load() {
		j.browser.end()
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		if err := chromedp.Cancel(j.tab); err != nil {
			j.spoil("its tab was not closed: " + err.Error()) // who knows what it has kept
		}
		closeTab()
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		j.browser.end()
		<-closed
	}
	j.noMoreAnswers()
}

func (j *job) spoil(why string) { j.browser.spoil(j.executor.config.Log, why) }

// watchMemory ends the browser when the page makes it take too much.
func (j *job) watchMemory(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(memoryInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if memoryOf(j.browser.group) > j.executor.config.MaxMemory {
					j.bloated.Store(true)
					j.browser.end()
					return
				}
			case <-ctx.Done():
				return
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}

// note tells people what was left out.
func (j *job) note(text string) { j.notes = append(j.notes, text) }

func (j *job) raw() json.RawMessage {
	if len(j.notes) == 0 {
		return nil
	}
	raw, err := json.Marshal(map[string]any{"notes": j.notes})
	if err != nil {
		return nil // strings have a form in JSON
	}
	return raw
}

// redact takes secrets out of an address that has come to hold them, as of a form that
// was sent.
func (j *job) redact(address *url.URL) string {
	text := address.Redacted()
	for _, secret := range j.req.Secrets {
		if secret == "" {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			text = strings.ReplaceAll(text, form, "xxxxx")
		}
	}
	return text
}
