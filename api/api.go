// Package api is the REST API: routes, requests, answers and the one place where an
// error becomes an answer.
//
// It is thin. PostgreSQL is authoritative for what happened and Temporal for a run
// that is live; the API asks the one or the other through the interfaces in deps.go
// and keeps no state of its own but what it counts for the limits of a process, so that any
// number of processes can serve it. It imports neither the Temporal client nor the store. What streams of events share, see
// package news, is read from PostgreSQL and can be read again by any other process.
//
// Whose a request is, package authn says; what they may do, package access, by the id of the
// operation, without which no route is served. Who did what is noted in the request's
// context, see package audit.
//
// Bodies are decoded strictly: an unknown or ill-typed member is refused, and all that
// is wrong is told at once with its path. Uploads are spooled to disk before the first
// row is written, so that a slow client holds no database connection and a broken
// upload leaves nothing behind.
//
// Failure: handlers return errors; problem.go maps them to RFC 9457 documents with the
// codes of package wire. What is not a caller's fault is logged under its request id
// and never shown. When PostgreSQL or Temporal is away the answer is 503 with
// Retry-After, never a false success. An execution whose row was committed is answered
// 202 although its workflow could not be started: the row is the promise, and the
// sweep keeps it.
package api

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/news"
	"github.com/minohq/mino/internal/ratelimit"
)

// Defaults of a Config.
const (
	DefaultBodyLimit      = 64 << 20
	DefaultReadTimeout    = time.Minute
	DefaultIdleTimeout    = time.Minute
	DefaultRequestTimeout = 30 * time.Second
	DefaultMaxStreams     = 10_000
	DefaultHeartbeat      = 15 * time.Second
	DefaultStreamTimeout  = 10 * time.Second
	DefaultMaxExports     = 4
	DefaultTryGrace       = 15 * time.Second
	DefaultRecheck        = 3 * time.Second
)

// Config is what an API is made of. The zero values of the limits and times mean the
// defaults above.
type Config struct {
	Store        Store
	Orchestrator Orchestrator
	// Auth says whose requests are. Without it nobody is asked, and whoever reaches the API
	// owns the default organisation.
	Auth Authenticator
	// Executors are those that projects may name.
	Executors executors.Registry
	// Secrets seals the secrets of projects; nil refuses them.
	Secrets Sealer
	// Keys makes API keys; nil refuses to.
	Keys KeyMaker
	// Issuer is whose tokens make people known; without one nobody can be made a member.
	Issuer string
	// Logger takes the access log and what went wrong inside; nil discards.
	Logger *zap.Logger

	// MaxRows is the most rows of an upload.
	MaxRows int
	// BodyLimit bounds a request's body in bytes. JSON has smaller bounds of its own:
	// 16 MiB for the rows of a batch, 1 MiB for everything else.
	BodyLimit int
	// ReadTimeout bounds the time in which a whole request must arrive.
	ReadTimeout time.Duration
	// IdleTimeout is how long a connection is kept without a request. Without it a
	// graceful shutdown would wait for connections that do nothing.
	IdleTimeout time.Duration
	// RequestTimeout bounds the time to answer a request that has arrived. An export may
	// take longer, but not between two rows, and a try as long as it was given.
	RequestTimeout time.Duration

	// Notices says when there are new events; without it, executions that somebody
	// follows are looked at every few seconds.
	Notices Notices
	// Streams hears of the streams of events; nil for nobody.
	Streams StreamObserver
	// Origins are those whose pages may use the API and open a WebSocket beside its own,
	// such as https://app.example: scheme, host, and port if it is not the scheme's own.
	Origins []string
	// TrustedProxies are those whose word is taken for where a request comes from.
	TrustedProxies []netip.Prefix
	// MaxStreams bounds the streams of events that are open at once; of four or more, one
	// organisation has three quarters at most.
	MaxStreams int
	// Heartbeat is how long a stream may be silent before the server shows that it is
	// there.
	Heartbeat time.Duration
	// StreamTimeout is the time in which the client of a stream must take what it is
	// sent, 16 KiB or one message; one that does not is dropped.
	StreamTimeout time.Duration
	// TryGrace is how much longer than its attempt may take a try is waited for, so that
	// it can begin and end; and as long once more for its end when it was stopped then.
	TryGrace time.Duration
	// RequestsPerMinute is what an organisation may ask of this process in a minute, all at
	// once or spread out, unless its record says otherwise; 0 is any number. A stream of
	// events is one request.
	RequestsPerMinute int
	// RequestsPerKeyMinute is the same for each key, and for each person.
	RequestsPerKeyMinute int
	// Recheck is how often it is asked whether whoever has opened a stream still may.
	Recheck time.Duration
	// MaxExports is how many exports may run at once, each with a connection to PostgreSQL
	// of its own; more are answered 503. One organisation has three quarters at most, as
	// with MaxStreams.
	MaxExports int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.MaxRows <= 0 {
		c.MaxRows = ingest.DefaultMaxRows
	}
	if c.BodyLimit <= 0 {
		c.BodyLimit = DefaultBodyLimit
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = DefaultReadTimeout
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = DefaultIdleTimeout
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = DefaultRequestTimeout
	}
	if c.Streams == nil {
		c.Streams = noObserver{}
	}
	if c.MaxStreams <= 0 {
		c.MaxStreams = DefaultMaxStreams
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = DefaultHeartbeat
	}
	if c.StreamTimeout <= 0 {
		c.StreamTimeout = DefaultStreamTimeout
	}
	if c.TryGrace <= 0 {
		c.TryGrace = DefaultTryGrace
	}
	if c.Recheck <= 0 {
		c.Recheck = DefaultRecheck
	}
	if c.MaxExports <= 0 {
		c.MaxExports = DefaultMaxExports
	}
	return c
}

// headerBufferSize bounds a request's line and headers.
const headerBufferSize = 16 << 10

type server struct {
	Config
	lines *lines
	hub   *news.Hub
	// limiter counts the requests of keys and organisations.
	limiter *ratelimit.Limiter
	// watch has the first stream wait for the end of the server.
	watch sync.Once

	exports *shares // the exports that run
}

// New makes the app. The caller serves it and shuts it down, which ends its streams.
func New(cfg Config) *fiber.App {
	cfg = cfg.withDefaults()
	s := &server{Config: cfg, exports: newShares(cfg.MaxExports), limiter: ratelimit.New(ratelimit.Config{})}
	s.lines = newLines(s.MaxStreams, s.StreamTimeout)
	s.hub = news.New(news.Config{Records: s.Store, Notices: s.Notices, Stand: s.stand, Logger: s.Logger})
	app := fiber.New(fiber.Config{
		AppName:      "MINO",
		ErrorHandler: s.answerError,
		// Strings of a Ctx are otherwise overwritten by the next request while a
		// handler's records may still hold them.
		Immutable:             true,
		CaseSensitive:         true,
		DisableStartupMessage: true,
		// Uploads are read as they come instead of being buffered; the limit is kept
		// by the handlers, since streaming takes bodies of any size.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    s.BodyLimit,
		ReadBufferSize:               headerBufferSize,
		ReadTimeout:                  s.ReadTimeout,
		WriteTimeout:                 s.ReadTimeout,
		IdleTimeout:                  s.IdleTimeout,
	})
	refuseUnknownMethods(app, s)
	app.Use(s.envelope)
	s.routes(app)
	app.Hooks().OnShutdown(s.endStreams)
	return app
}

func (s *server) routes(app *fiber.App) {
	app.Get("/livez", s.operation("livez", s.livez))
	app.Get("/readyz", s.operation("readyz", s.readyz))
	app.Get(documentPath, s.operation("getDocument", s.getDocument))
	page := s.operation("getDocs", docs())
	app.Get(docsPath, page)
	app.Get(docsPath+"/*", page) // what the page is made of

	api := app.Group("/api", s.cors, s.identify, s.limit)
	// Uploads set their own deadline, once they have arrived.
	api.Post("/batches", s.operation("createBatch", s.createBatch))
	// A deletion sets its own too.
	api.Delete("/projects/:id", s.operation("deleteProject", s.deleteProject))
	api.Delete("/batches/:id", s.operation("deleteBatch", s.deleteBatch))
	api.Post("/batches/preview", s.operation("previewBatch", s.previewBatch))
	// An export takes as long as its rows do.
	api.Get("/batches/:id/export", s.operation("exportJobs", s.exportJobs))
	api.Get("/executions/:id/sessions/export", s.operation("exportSessions", s.exportSessions))
	api.Get("/audit/export", s.operation("exportAudit", s.exportAudit))
	// A try takes as long as its job.
	api.Post("/projects/:id/try", s.operation("tryProject", s.try))

	api.Use(s.deadline)
	api.Post("/projects", s.operation("createProject", s.createProject))
	api.Get("/projects", s.operation("listProjects", s.listProjects))
	api.Get("/projects/:id", s.operation("getProject", s.getProject))
	api.Patch("/projects/:id", s.operation("updateProject", s.patchProject))
	api.Get("/projects/:id/jobs", s.operation("listProjectJobs", s.listProjectJobs))
	api.Get("/projects/:id/metrics", s.operation("getProjectMetrics", s.projectMetrics))
	api.Post("/projects/:id/batches/:batchId/execute", s.operation("execute", s.execute))

	api.Get("/batches", s.operation("listBatches", s.listBatches))
	api.Get("/batches/:id", s.operation("getBatch", s.getBatch))
	api.Patch("/batches/:id", s.operation("updateBatch", s.patchBatch))
	api.Get("/batches/:id/jobs", s.operation("listJobs", s.listJobs))
	api.Post("/batches/:id/ground-truth", s.operation("setGroundTruth", s.setGroundTruth))

	api.Get("/executions", s.operation("listExecutions", s.listExecutions))
	api.Get("/executions/:id", s.operation("getExecution", s.getExecution))
	api.Get("/executions/:id/stats", s.operation("getStats", s.getStats))
	api.Get("/executions/:id/events", s.operation("streamEvents", s.getEvents))
	api.Get("/executions/:id/ws", s.operation("streamEventsOverWebSocket", s.getSocket))
	api.Get("/executions/:id/metrics", s.operation("getExecutionMetrics", s.executionMetrics))
	api.Get("/executions/:id/sessions", s.operation("listExecutionSessions", s.listExecutionSessions))
	api.Post("/executions/:id/pause", s.operation("pause", s.pause))
	api.Post("/executions/:id/resume", s.operation("resume", s.resume))
	api.Post("/executions/:id/stop", s.operation("stop", s.stop))
	api.Post("/executions/:id/concurrency", s.operation("setConcurrency", s.setConcurrency))

	api.Post("/jobs/bulk/delete", s.operation("bulkDeleteJobs", s.bulkDelete))
	api.Post("/jobs/bulk/update", s.operation("bulkUpdateJobs", s.bulkUpdate))
	api.Post("/jobs/bulk/rerun", s.operation("bulkRerunJobs", s.bulkRerun))
	api.Get("/jobs/:id", s.operation("getJob", s.getJob))
	api.Patch("/jobs/:id", s.operation("updateJob", s.patchJob))
	api.Delete("/jobs/:id", s.operation("deleteJob", s.deleteJob))
	api.Get("/jobs/:id/sessions", s.operation("listSessions", s.listSessions))

	api.Get("/sessions/:id", s.operation("getSession", s.getSession))
	api.Get("/sessions/:id/screenshot", s.operation("getScreenshot", s.getScreenshot))

	api.Get("/me", s.operation("getMe", s.getMe))
	api.Get("/organisations", s.operation("listOrganisations", s.listOrganisations))
	api.Get("/organisation", s.operation("getOrganisation", s.getOrganisation))
	api.Patch("/organisation", s.operation("updateOrganisation", s.updateOrganisation))
	api.Get("/members", s.operation("listMembers", s.listMembers))
	api.Post("/members", s.operation("addMember", s.addMember))
	api.Patch("/members/:id", s.operation("updateMember", s.updateMember))
	api.Delete("/members/:id", s.operation("removeMember", s.removeMember))
	api.Get("/keys", s.operation("listKeys", s.listKeys))
	api.Post("/keys", s.operation("createKey", s.createKey))
	api.Get("/keys/:id", s.operation("getKey", s.getKey))
	api.Post("/keys/:id/rotate", s.operation("rotateKey", s.rotateKey))
	api.Post("/keys/:id/revoke", s.operation("revokeKey", s.revokeKey))
	api.Get("/audit", s.operation("listAudit", s.listAudit))
	api.Post("/tickets", s.operation("createTicket", s.createTicket))
}

// refuseUnknownMethods answers methods that Fiber does not know; it would answer them
// itself, in plain text.
func refuseUnknownMethods(app *fiber.App, s *server) {
	known := make(map[string]bool)
	for _, method := range app.Config().RequestMethods {
		known[method] = true
	}
	srv := app.Server()
	handle := srv.Handler
	srv.Handler = func(rctx *fasthttp.RequestCtx) {
		if known[string(rctx.Method())] {
			handle(rctx)
			return
		}
		c := app.AcquireCtx(rctx)
		defer app.ReleaseCtx(c)
		s.fail(c, fiber.ErrMethodNotAllowed)
	}
}
