// Package agent is the executor that has jobs done by a web agent: a service which is
// given an address and a goal, drives a browser there, and bills by the step.
//
// Runs at the service are asynchronous and cost money, so that every run is paid for
// once, whatever dies here. The order is: announce a reference of our own, durably
// (Request.Announce); create the run, with the reference in the last line of its goal;
// store its id (Request.Checkpoint); poll until it has ended. The service is
// authoritative for what became of a run, the records for which runs are ours. An
// attempt that finds an id goes on with that run. One that finds a reference without an
// id looks for it in the service's list of runs, and creates a run of its own only when
// there is none after the time that a create can take (Config.SettleWindow). A create is
// never sent twice: one whose answer is lost is looked for as well.
//
// A run is PENDING, RUNNING, or at its end: COMPLETED, FAILED, CANCELLED. A COMPLETED run
// is a result, whose verdict package scoring gives; one that says that the site blocked
// it is Blocked.
//
// When the context ends, its cause decides. Stopped (executors.ErrStopped) or out of
// time, the run is cancelled; for any other cause it goes on and belongs to the next
// attempt.
//
// Failure: what the service refuses, what it says of a failed run, and what the network
// does have their classes in problem.go and docs/agent.md. A service that wants money
// pauses the execution. Messages hold what the service says, without secrets, cut short.
package agent

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/setting"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// Name is the value of a project's executor.
const Name = "agent"

// SecretAPIKey is the name of the project's secret that holds its key to the service.
const SecretAPIKey = "api_key"

// Codes of failures, beside those of the service and HTTP_<status>.
const (
	CodeInvalidSettings     = "INVALID_SETTINGS"
	CodeMissingColumn       = "MISSING_COLUMN"
	CodeMissingSecret       = "MISSING_SECRET"
	CodeMissingAPIKey       = "MISSING_API_KEY"
	CodeInvalidAPIKey       = "INVALID_API_KEY" //nolint:gosec // the name of a failure
	CodeInsufficientCredits = "INSUFFICIENT_CREDITS"
	CodeRateLimited         = "RATE_LIMIT_EXCEEDED"
	CodeRunFailed           = "RUN_FAILED"
	CodeRunCancelled        = "RUN_CANCELLED"
	CodeRunLost             = "RUN_LOST"
	CodeRunUnknown          = "RUN_UNKNOWN"
	CodeAnswerTooLarge      = "ANSWER_TOO_LARGE"
	CodeAnswerUnreadable    = "ANSWER_UNREADABLE"
	CodeRedirected          = "REDIRECTED"
	CodeDeadline            = "DEADLINE_EXCEEDED"
)

// Config is what the operator decides. A zero member means its default.
type Config struct {
	// BaseURL is the service of projects that name none of their own; by default
	// https://agent.tinyfish.ai.
	BaseURL string
	// APIKey is used for projects without a key of their own, and with BaseURL only: it
	// never goes to an address that a project names.
	APIKey string
	// AllowedPrefixes may be reached although they are not public.
	AllowedPrefixes []netip.Prefix
	// PricePerStepMicros is the price of a step of a COMPLETED run, in millionths of
	// Currency, unless a project says otherwise. Default 16,000.
	PricePerStepMicros *int64
	// Currency is an ISO 4217 code. Default USD.
	Currency string
	// CreateSpacing and ReadSpacing are the least time between two creates, and between
	// two questions, of one key in this process. Defaults 1 s, as the service asks for; a
	// question may be about a hundred runs.
	CreateSpacing time.Duration
	ReadSpacing   time.Duration
	// RateLimitDelay is how long a key rests when the service asks to slow down without
	// saying for how long. Default 60 s.
	RateLimitDelay time.Duration
	// SettleWindow is how long after an announcement a run that cannot be found may still
	// be about to be created: longer than a create may take, which is 10 s. Default 15 s.
	SettleWindow time.Duration
	// Pace gives the time between two looks at a run that has been followed for elapsed.
	// By default 2–3 s in the first minute, 5–10 s up to five, 30–60 s beyond.
	Pace func(elapsed time.Duration) time.Duration
}

const (
	defaultBaseURL        = "https://agent.tinyfish.ai"
	defaultPrice          = 16_000
	defaultCurrency       = "USD"
	defaultCreateSpacing  = time.Second
	defaultReadSpacing    = time.Second
	defaultRateLimitDelay = time.Minute
	defaultSettleWindow   = 15 * time.Second
)

// Bounds of what is done beside the polling.
const (
	// createTime bounds a create, whatever becomes of the attempt meanwhile.
	createTime = 10 * time.Second
	// endGrace bounds cancelling a run whose attempt is over.
	endGrace = 5 * time.Second
	// checkpointTime bounds one attempt to store a run's id.
	checkpointTime = 5 * time.Second
	// callTime bounds one question to the service.
	callTime = 30 * time.Second
)

// Executor has jobs done by a web agent. It is safe for concurrent use.
type Executor struct {
	config    Config
	transport *http.Transport
	gates     *gates
}

var _ executors.Settler = (*Executor)(nil)

// New makes an executor; Close frees its connections.
func New(config Config) *Executor {
	setDefault(&config.BaseURL, defaultBaseURL)
	setting.Default(&config.PricePerStepMicros, defaultPrice)
	setDefault(&config.Currency, defaultCurrency)
	setDefault(&config.CreateSpacing, defaultCreateSpacing)
	setDefault(&config.ReadSpacing, defaultReadSpacing)
	setDefault(&config.RateLimitDelay, defaultRateLimitDelay)
	setDefault(&config.SettleWindow, defaultSettleWindow)
	if config.Pace == nil {
		config.Pace = pace
	}
	return &Executor{
		config: config,
		transport: &http.Transport{
			Proxy:                  nil, // a proxy would dial in place of the safe dialer
			DialContext:            safedial.New(config.AllowedPrefixes).DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        60 * time.Second,
			MaxIdleConns:           128,
			MaxIdleConnsPerHost:    64,
			MaxResponseHeaderBytes: 256 << 10,
		},
		gates: newGates(config.CreateSpacing, config.ReadSpacing),
	}
}

func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// Close frees idle connections. Attempts that are under way are not disturbed.
func (e *Executor) Close() { e.transport.CloseIdleConnections() }

// Name implements executors.Executor.
func (e *Executor) Name() string { return Name }

// Execute implements executors.Executor.
func (e *Executor) Execute(ctx context.Context, req executors.Request) (executors.Outcome, error) {
	settings, err := parseSettings(req.Settings)
	if err != nil {
		return executors.Outcome{}, invalid(err)
	}
	order, err := e.order(settings, req)
	if err != nil {
		return executors.Outcome{}, err
	}
	service, err := e.service(settings, req.Secrets, order.secrets()...)
	if err != nil {
		return executors.Outcome{}, err
	}
	a := &attempt{
		service: service, config: e.config, settings: settings, order: order, req: req, began: time.Now(),
		id: req.Remote.ID, reference: req.Remote.Reference, stored: req.Remote.ID != "",
	}
	a.announced = a.began.Add(-req.Remote.Age)
	return a.run(ctx)
}

func invalid(err error) error {
	return failure.Wrap(err, failure.Permanent, CodeInvalidSettings, "the settings are not valid: %v", err)
}
