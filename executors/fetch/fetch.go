// Package fetch is the executor that gets a page over HTTP and finds the fields in
// it, without a browser and without an agent.
//
// One attempt is one request with its redirects: a GET of the row's site unless the
// settings say otherwise, whose templates are filled from the row and from the secrets of
// the project. Secrets go into requests to the host that they are for and are taken out
// of everything that is told about them. The answer is bounded in every way: by
// the deadline, the number of redirects, and the size of the body after
// decompression. Addresses are those of tenants, so that the dialer of package
// safedial decides what may be reached, at every redirect anew; proxies of the
// environment are not used, since they would dial in its place. Cookies live for one
// attempt, because many sites redirect until one is set.
//
// What is found in the page is the business of package extract.
//
// Failure: statuses other than 2xx, too large or endless bodies, redirect loops and
// content that is no text are *failure.Error with the codes below; what the network
// does wrong is returned as it came, for package failure to classify. A row that lacks
// what a template refers to fails before anything is sent. A page that
// answers 2xx but refuses or tests its visitor is an outcome with Blocked. An
// outcome that comes with an error holds usage and evidence only.
package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// Name is the value of a project's executor.
const Name = "fetch"

// Codes of failures, beside HTTP_<status>.
const (
	CodeInvalidURL         = "INVALID_URL"
	CodeInvalidSettings    = "INVALID_SETTINGS"
	CodeMissingColumn      = "MISSING_COLUMN"
	CodeMissingSecret      = "MISSING_SECRET"
	CodeInvalidHeader      = "INVALID_HEADER"
	CodeRequestTooLarge    = "REQUEST_TOO_LARGE"
	CodeProtocol           = "HTTP_PROTOCOL"
	CodeBodyTooLarge       = "BODY_TOO_LARGE"
	CodeTooManyRedirects   = "TOO_MANY_REDIRECTS"
	CodeRedirectLoop       = "REDIRECT_LOOP"
	CodeUnsupportedURL     = "UNSUPPORTED_REDIRECT"
	CodeUnsupportedContent = "UNSUPPORTED_CONTENT"
	CodeContentEncoding    = "CONTENT_ENCODING"
	CodeUnreadable         = "UNREADABLE_PAGE"
	CodeTimeout            = "FETCH_TIMEOUT"
)

// codeUnknown is that of package failure for what it cannot tell.
const codeUnknown = "UNKNOWN"

// Config is what the operator decides.
type Config struct {
	// AllowedPrefixes may be reached although they are not public.
	AllowedPrefixes []netip.Prefix
	// UserAgent names MINO to servers unless a project sets its own.
	UserAgent string
	// MaxBody is the most bytes of a body, decompressed, that a project can allow;
	// it is also the default. 0 means 10 MiB.
	MaxBody int64
	// HeartbeatInterval is the time between two heartbeats while a server is waited
	// for. 0 means 5 s.
	HeartbeatInterval time.Duration
}

const (
	// DefaultUserAgent names MINO to servers.
	DefaultUserAgent = "Mozilla/5.0 (compatible; MINO/1.0; +https://github.com/minohq/mino)"
	defaultMaxBody   = 10 << 20
	defaultHeartbeat = 5 * time.Second
)

// Executor gets pages over HTTP. It is safe for concurrent use.
type Executor struct {
	config    Config
	transport *http.Transport
}

var _ executors.Executor = (*Executor)(nil)

// New makes an executor; Close frees its connections.
func New(config Config) *Executor {
	if config.UserAgent == "" {
		config.UserAgent = DefaultUserAgent
	}
	if config.MaxBody <= 0 {
		config.MaxBody = defaultMaxBody
	}
	if config.HeartbeatInterval <= 0 {
		config.HeartbeatInterval = defaultHeartbeat
	}
	return &Executor{config: config, transport: newTransport(config.AllowedPrefixes)}
}

func newTransport(allowed []netip.Prefix) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // a proxy would dial in place of the safe dialer
		DialContext:            safedial.New(allowed).DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // done here, where the result is bounded
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        60 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// Close frees idle connections. Attempts that are under way are not disturbed.
func (e *Executor) Close() { e.transport.CloseIdleConnections() }

// Name implements executors.Executor.
func (e *Executor) Name() string { return Name }

// Validate implements executors.Executor.
func (e *Executor) Validate(spec executors.Spec) error {
	errs := validation.Errors{}
	if _, err := e.parseSettings(spec.Settings, checked(spec)); err != nil {
		errs["settings"] = err
	}
	if err := extract.ValidateFields(spec.Fields); err != nil {
		errs["fields"] = err
	}
	return errs.Filter()
}

// Needs implements executors.Executor.
func (e *Executor) Needs(spec executors.Spec) executors.Needs {
	p, err := e.parseSettings(spec.Settings, unchecked)
	if err != nil {
		return executors.Needs{} // Execute will say what is wrong
	}
	return p.needs()
}

// Execute implements executors.Executor.
func (e *Executor) Execute(ctx context.Context, req executors.Request) (executors.Outcome, error) {
	p, err := e.parseSettings(req.Settings, unchecked)
	if err != nil {
		return executors.Outcome{}, failure.Wrap(err, failure.Permanent, CodeInvalidSettings, "the settings are not valid: %v", err)
	}
	m, err := p.message(req)
	if err != nil {
		return executors.Outcome{}, err
	}
	limited, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	defer e.beat(limited, req.Heartbeat, "waiting for "+m.address.Hostname())()

	attempt := &attempt{executor: e, settings: p.Settings, message: m}
	outcome, err := attempt.run(limited, req)
	m.hidden.outcome(&outcome)
	return outcome, m.hidden.error(e.cause(ctx, limited, err, p.Settings))
}

// cause tells our own deadline from the caller's: the caller's is returned as it is.
func (e *Executor) cause(caller, limited context.Context, err error, settings Settings) error {
	switch {
	case err == nil:
		return nil
	case caller.Err() != nil:
		return caller.Err()
	case limited.Err() != nil:
		return failure.Wrap(limited.Err(), failure.Timeout, CodeTimeout, "the page was not there after %v", settings.timeout())
	}
	var transport *url.Error
	if !errors.As(err, &transport) {
		return err
	}
	// Its text holds the whole address, with what may be secret in the query.
	if errors.Is(err, http.ErrSchemeMismatch) {
		return failure.New(failure.Network, CodeProtocol, "the server does not speak TLS")
	}
	if failure.Classify(transport.Err).Code == codeUnknown {
		// It quotes what the server has sent.
		return failure.New(failure.Transient, CodeProtocol, "the server's answer is not well-formed HTTP")
	}
	return transport.Err
}

func parseAddress(raw string) (*url.URL, error) {
	address, err := url.Parse(raw)
	if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
		return nil, failure.New(failure.Permanent, CodeInvalidURL, "the URL is not an absolute http or https URL")
	}
	return address, nil
}

// beat reports that the attempt is alive until the function that it returns is called.
func (e *Executor) beat(ctx context.Context, heartbeat func(string), progress string) (stop func()) {
	heartbeat(progress)
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(e.config.HeartbeatInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				heartbeat(progress)
			case <-ctx.Done():
				return
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}
