package standin

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// DefaultAPIKey is Config.APIKey unless given.
const DefaultAPIKey = "standin-key"

// Config makes a stand-in what it is.
type Config struct {
	// Seed decides what is drawn by lot.
	Seed int64
	// APIKey is what X-API-Key has to be; empty means DefaultAPIKey.
	APIKey string
	// Clock tells the time; nil means time.Now. Who waits for a run looks at a clock of
	// the caller's every 5 ms.
	Clock func() time.Time
	// Speed divides how long runs, delays and silences between heartbeats take; 0 means 1.
	// It does not concern what is said in answers, such as Retry-After, nor the 15
	// minutes of a video's address.
	Speed float64
}

// Server is a stand-in. It is an http.Handler, safe for concurrent use.
type Server struct {
	cfg      Config
	realTime bool
	handler  http.Handler
	closed   chan struct{}

	mu        sync.Mutex
	closing   bool
	down      chan struct{} // closed while the server is down
	isDown    bool
	noCredits bool
	standard  Behaviour
	sites     map[string]*site // by address
	runs      []*run           // in order of creation; what is in it never changes
	byID      map[string]*run
	created   map[string]int
	calls     map[Endpoint]int
	failing   map[Endpoint][]Fault
}

// site is what is known of an address that was scripted or asked for.
type site struct {
	script   *Behaviour
	runs     int // created so far
	scripted int // runs before the present script
	creates  int // calls under the present script
}

// New makes a stand-in, which lasts until Close.
func New(cfg Config) *Server {
	s := &Server{
		cfg:      cfg,
		realTime: cfg.Clock == nil,
		closed:   make(chan struct{}),
		down:     make(chan struct{}),
		sites:    make(map[string]*site),
		byID:     make(map[string]*run),
		created:  make(map[string]int),
		calls:    make(map[Endpoint]int),
		failing:  make(map[Endpoint][]Fault),
	}
	if s.cfg.APIKey == "" {
		s.cfg.APIKey = DefaultAPIKey
	}
	if s.cfg.Clock == nil {
		s.cfg.Clock = time.Now
	}
	if s.cfg.Speed <= 0 {
		s.cfg.Speed = 1
	}
	s.handler = s.routes()
	return s
}

// ServeHTTP answers as the API does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends streams and everything else that waits, by breaking connections off. Close
// it before the HTTP server that serves it. Closing twice is nothing.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.closing = true
		close(s.closed)
	}
}

// Script says how runs of a site go from now on. The address is compared as it is
// written. Sequences (Behaviour.Outcomes, Behaviour.Create) begin with the next call.
func (s *Server) Script(url string, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.site(url)
	at.script, at.scripted, at.creates = &b, at.runs, 0
}

// Default says how runs of sites go that have neither a script nor a host that says
// what to do.
func (s *Server) Default(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standard = b
}

// FailNext has the next calls of an endpoint go wrong, whatever they are about, each by
// one fault (or by Fault.Times of them). It adds to what was asked for before, and goes
// before what is scripted for a site or a run.
func (s *Server) FailNext(endpoint Endpoint, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		for range f.times() {
			s.failing[endpoint] = append(s.failing[endpoint], f)
		}
	}
}

// SetCredits says whether there is money for new runs; there is at first. Without, every
// create is refused with 403 INSUFFICIENT_CREDITS, and runs under way go on.
func (s *Server) SetCredits(enough bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noCredits = !enough
}

// Down has every connection to the API accepted and dropped, those that are being
// answered too, until it is called with false. Runs go on. The paths of the stand-in's
// own (/stand-in/) stay.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case down && !s.isDown:
		close(s.down)
	case !down && s.isDown:
		s.down = make(chan struct{})
	}
	s.isDown = down
}

// Runs are all runs in order of creation, as they are now.
func (s *Server) Runs() []Run { return s.copies(func(*run) bool { return true }) }

// RunsOf are the runs of one site in order of creation, as they are now.
func (s *Server) RunsOf(url string) []Run {
	return s.copies(func(r *run) bool { return r.req.URL == url })
}

func (s *Server) copies(want func(*run) bool) []Run {
	now := s.now()
	out := []Run{}
	for _, r := range s.all() {
		if want(r) {
			out = append(out, r.at(now).public())
		}
	}
	return out
}

// all is the list of runs, which only grows.
func (s *Server) all() []*run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.runs)
}

func (s *Server) find(id string) (*run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.byID[id]
	return r, ok
}

// Created counts the runs that were created, by url + "\x00" + goal. A count over 1 is a
// create that was repeated.
func (s *Server) Created() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.created)
}

// Stats counts what was asked of the stand-in and what became of it.
type Stats struct {
	Created   int `json:"created"`
	Running   int `json:"running"` // PENDING and RUNNING
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	// Duplicates are runs created beyond the first of the same url and goal.
	Duplicates int `json:"duplicates"`
	// Steps are those of completed runs: what is paid for.
	Steps int `json:"steps"`
	// Calls are the requests, refused and dropped ones too.
	Calls map[Endpoint]int `json:"calls"`
}

// Stats counts as of now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	out := Stats{Calls: maps.Clone(s.calls)}
	for _, n := range s.created {
		out.Duplicates += n - 1
	}
	s.mu.Unlock()
	now := s.now()
	for _, r := range s.all() {
		out.Created++
		switch v := r.at(now); v.status() {
		case StatusPending, StatusRunning:
			out.Running++
		case StatusCompleted:
			out.Completed++
			out.Steps += v.stepsTaken()
		case StatusFailed:
			out.Failed++
		case StatusCancelled:
			out.Cancelled++
		}
	}
	return out
}

func (s *Server) now() time.Time { return s.cfg.Clock() }

// scaled is how long something takes at this speed.
func (s *Server) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.cfg.Speed)
}

// site is the site of an address, with the lock held.
func (s *Server) site(url string) *site {
	at, ok := s.sites[url]
	if !ok {
		at = new(site)
		s.sites[url] = at
	}
	return at
}

// behaviourOf is how a site behaves, with the lock held.
func (s *Server) behaviourOf(url string) Behaviour {
	if at := s.site(url); at.script != nil {
		return *at.script
	}
	if b, ok := byHost(url); ok {
		return b
	}
	return s.standard
}
