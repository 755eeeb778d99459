// Package browser is the executor that opens a page in headless Chromium, does steps on
// it, and finds the fields in what the browser made of it.
//
// A bounded pool of Chromium processes serves jobs, each one job at a time. A job has a
// browser context of its own, so that cookies, caches and storage end with it. A process
// is replaced after so many jobs, when it takes too much memory, and after anything odd:
// a crash, a page that does not answer, a job that was given up. Processes run in groups
// of their own under an unprivileged account, and die with this process, whatever ends
// it; directories that dead processes have left are removed at the next start.
//
// Pages are hostile until proven otherwise. Chromium looks up no names and dials nothing
// but the proxy of package egress, under a grant that is made for the job; WebRTC and
// QUIC, which would go around it, are off. Only http and https pages are read. Downloads
// are denied, dialogs are dismissed, windows that a page opens are closed, and it is told
// of no devices. What comes out of a page is bounded: its HTML, its screenshot, the bytes
// it may move. Scripts of ours run in a world of their own, which the page's cannot reach.
//
// What is found in the page is the business of package extract.
//
// States of a process: started with the first job that needs it, idle between jobs, busy
// with one, and gone.
//
// Failure: without a usable Chromium every job fails with CodeUnavailable; see Available.
// Statuses other than 2xx are judged as by package httpstatus, and what the network does
// wrong as by package failure: the proxy knows. The other codes are below. A failed job
// still has its usage, and a screenshot when the page could be seen.
package browser

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/invopop/validation"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/executors/template"
	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
)

// Name is the value of a project's executor.
const Name = "browser"

// Codes of failures, beside HTTP_<status> and those of packages egress, safedial and
// failure.
const (
	CodeUnavailable        = "EXECUTOR_UNAVAILABLE"
	CodeInvalidURL         = "INVALID_URL"
	CodeInvalidSettings    = "INVALID_SETTINGS"
	CodeMissingColumn      = "MISSING_COLUMN"
	CodeTimeout            = "BROWSER_TIMEOUT"
	CodeStart              = "BROWSER_START"
	CodeCrashed            = "BROWSER_CRASHED"
	CodePageCrashed        = "PAGE_CRASHED"
	CodeMemory             = "PAGE_TAKES_TOO_MUCH_MEMORY"
	CodeNavigation         = "NAVIGATION_FAILED"
	CodeTooManyRedirects   = "TOO_MANY_REDIRECTS"
	CodeUnsupportedURL     = "UNSUPPORTED_REDIRECT"
	CodeUnsupportedContent = "UNSUPPORTED_CONTENT"
	CodeBodyTooLarge       = "BODY_TOO_LARGE"
	CodeUnreadable         = "UNREADABLE_PAGE"
	CodeNoSelector         = "SELECTOR_NOT_FOUND"
	CodeInvalidSelector    = "INVALID_SELECTOR"
	CodeNoOption           = "OPTION_NOT_FOUND"
	CodeNotEditable        = "ELEMENT_NOT_EDITABLE"
)

// Config is what the operator decides. Its zero value is good.
type Config struct {
	// Path is Chromium's; empty means the first of chromium, google-chrome and the like
	// that is on the PATH.
	Path string
	// NoSandbox lets Chromium run without its sandbox where the system does not let it
	// have one. As root the sandbox is given up by itself when need be, since Chromium
	// then runs as the user nobody.
	NoSandbox bool
	// AllowedPrefixes may be reached although they are not public.
	AllowedPrefixes []netip.Prefix
	// Browsers is how many run at once; more jobs than that wait. 0 means 2.
	Browsers int
	// JobsPerBrowser is after how many jobs a browser is replaced. 0 means 100.
	JobsPerBrowser int
	// MaxMemory is how many bytes a browser with all its processes may take, without
	// what they share, before it is replaced; a page that makes it take more fails.
	// 0 means 1.5 GiB. It is watched on Linux only.
	MaxMemory int64
	// MaxTransfer is how many bytes one job may move. 0 means 64 MiB.
	MaxTransfer int64
	// MaxBody is the most bytes of a rendered page that a project can allow; it is also
	// the default. 0 means 10 MiB.
	MaxBody int64
	// MaxScreenshot bounds a screenshot in bytes. 0 means 1 MiB.
	MaxScreenshot int
	// UserAgent is what browsers call themselves unless a project says otherwise. Empty
	// means Chromium's own, with MINO's name.
	UserAgent string
	// HeartbeatInterval is the time between two heartbeats. 0 means 5 s.
	HeartbeatInterval time.Duration
	// Log is told of browsers that start, end and fail; nil means nobody.
	Log *zap.Logger

	// egress is for tests, which bring names of their own.
	egress egress.Config
	// flags are for tests, which bring certificates of their own.
	flags map[string]string
}

const (
	defaultBrowsers    = 2
	defaultJobs        = 100
	defaultMaxMemory   = 3 << 29
	defaultMaxTransfer = 64 << 20
	defaultMaxBody     = 10 << 20
	defaultScreenshot  = 1 << 20
	defaultHeartbeat   = 5 * time.Second
)

// Executor opens pages in Chromium. It is safe for concurrent use.
type Executor struct {
	config    Config
	available func() (program, error)
	pool      *pool
	close     sync.Once
}

var _ executors.Executor = (*Executor)(nil)

// New makes an executor. It starts nothing: the first job does. Close must be called, or
// browsers stay until the process ends.
func New(config Config) *Executor {
	setUnlessPositive(&config.Browsers, defaultBrowsers)
	setUnlessPositive(&config.JobsPerBrowser, defaultJobs)
	setUnlessPositive(&config.MaxMemory, defaultMaxMemory)
	setUnlessPositive(&config.MaxTransfer, defaultMaxTransfer)
	setUnlessPositive(&config.MaxBody, defaultMaxBody)
	setUnlessPositive(&config.MaxScreenshot, defaultScreenshot)
	setUnlessPositive(&config.HeartbeatInterval, defaultHeartbeat)
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	config.egress.AllowedPrefixes = config.AllowedPrefixes
	e := &Executor{
		config:    config,
		available: sync.OnceValues(func() (program, error) { return findProgram(config.Path) }),
	}
	e.pool = newPool(config, e.available)
	return e
}

func setUnlessPositive[T int | int64 | time.Duration](to *T, value T) {
	if *to <= 0 {
		*to = value
	}
}

// Close ends all browsers; jobs that are under way fail. It may be called again.
func (e *Executor) Close() { e.close.Do(e.pool.close) }

// Available says why there is no browser; nil when there is one. It looks once.
func (e *Executor) Available() error {
	_, err := e.available()
	return err
}

// Name implements executors.Executor.
func (e *Executor) Name() string { return Name }

// Validate implements executors.Executor.
func (e *Executor) Validate(spec executors.Spec) error {
	errs := validation.Errors{}
	if _, err := e.parseSettings(spec); err != nil {
		errs["settings"] = err
	}
	if err := extract.ValidateFields(spec.Fields); err != nil {
		errs["fields"] = err
	}
	return errs.Filter()
}

// Needs implements executors.Executor.
func (e *Executor) Needs(spec executors.Spec) executors.Needs {
	var needs executors.Needs
	settings, err := e.parseSettings(spec)
	if err != nil {
		return needs // which Validate has refused
	}
	for _, t := range settings.templates() {
		needs.Columns = append(needs.Columns, t.Columns()...)
		needs.Secrets = append(needs.Secrets, t.Secrets()...)
	}
	needs.Columns, needs.Secrets = distinct(needs.Columns), distinct(needs.Secrets)
	return needs
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Execute implements executors.Executor.
func (e *Executor) Execute(ctx context.Context, req executors.Request) (executors.Outcome, error) {
	settings, address, err := e.prepare(req)
	if err != nil {
		return executors.Outcome{}, err
	}
	pulse := startPulse(ctx, e.config.HeartbeatInterval, req.Heartbeat)
	defer pulse.stop()
	pulse.say("waiting for a browser")
	b, err := e.pool.acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return executors.Outcome{}, ctx.Err()
		}
		return executors.Outcome{}, err
	}
	pulse.say("opening " + address.Hostname())
	j := &job{executor: e, browser: b, settings: settings, req: req, address: address, say: pulse.say}
	outcome, err := j.run(ctx)
	e.pool.release(b)
	if err != nil && ctx.Err() != nil {
		return outcome, ctx.Err()
	}
	return outcome, err
}

// prepare checks a request and writes the row's values into the settings.
func (e *Executor) prepare(req executors.Request) (Settings, *url.URL, error) {
	secrets := make([]string, 0, len(req.Secrets))
	for name := range req.Secrets {
		secrets = append(secrets, name)
	}
	settings, err := e.parseSettings(executors.Spec{Settings: req.Settings, Secrets: secrets})
	if err != nil {
		return settings, nil, failure.Wrap(err, failure.Permanent, CodeInvalidSettings, "the settings are not valid: %v", err)
	}
	address, err := url.Parse(req.URL)
	if err != nil || address.Hostname() == "" || !isWeb(address.Scheme) {
		return settings, nil, failure.New(failure.Permanent, CodeInvalidURL, "the URL is not an absolute http or https URL")
	}
	settings, err = settings.expanded(template.Values{SiteURL: req.URL, Inputs: req.Inputs, Secrets: req.Secrets})
	var missing *template.MissingError
	if errors.As(err, &missing) {
		return settings, nil, failure.New(failure.Permanent, CodeMissingColumn, "%v", missing)
	}
	if err != nil {
		return settings, nil, err
	}
	for name, value := range settings.Headers {
		if !httpguts.ValidHeaderFieldValue(value) {
			return settings, nil, failure.New(failure.Permanent, CodeInvalidSettings, "the row's value for the header %s cannot stand in a header", name)
		}
	}
	if err := e.Available(); err != nil {
		return settings, nil, failure.Wrap(err, failure.Permanent, CodeUnavailable, "there is no browser here: %v", err)
	}
	return settings, address, nil
}

func isWeb(scheme string) bool { return scheme == "http" || scheme == "https" }

// pulse reports that an attempt is alive, and what it last did.
type pulse struct {
	beat func(string)
	mu   sync.Mutex
	last string
	done chan struct{}
	ends sync.WaitGroup
}

func startPulse(ctx context.Context, interval time.Duration, beat func(string)) *pulse {
	p := &pulse{beat: beat, done: make(chan struct{})}
	p.ends.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.mu.Lock()
				last := p.last
				p.mu.Unlock()
				beat(last)
			case <-ctx.Done():
				return
			case <-p.done:
				return
			}
		}
	})
	return p
}

func (p *pulse) say(progress string) {
	p.mu.Lock()
	p.last = progress
	p.mu.Unlock()
	p.beat(progress)
}

func (p *pulse) stop() {
	close(p.done)
	p.ends.Wait()
}
