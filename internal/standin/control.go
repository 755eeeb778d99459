package standin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// serveScripts takes {"url": …, "behaviour": …}; without a url, or with "*", the
// behaviour is the default.
func (s *Server) serveScripts(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URL       string     `json:"url"`
		Behaviour *Behaviour `json:"behaviour"`
	}
	if !readControl(w, r, &in) {
		return
	}
	switch {
	case in.Behaviour == nil:
		invalid(detail{"behaviour", "is required"}).write(w)
		return
	case in.URL == "" || in.URL == "*":
		s.Default(*in.Behaviour)
	default:
		s.Script(in.URL, *in.Behaviour)
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveFaults takes {"endpoint": …, "faults": […]}.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Endpoint Endpoint `json:"endpoint"`
		Faults   []Fault  `json:"faults"`
	}
	if !readControl(w, r, &in) {
		return
	}
	if !slices.Contains(Endpoints(), in.Endpoint) {
		invalid(detail{"endpoint", fmt.Sprintf("must be one of %q", Endpoints())}).write(w)
		return
	}
	s.FailNext(in.Endpoint, in.Faults...)
	w.WriteHeader(http.StatusNoContent)
}

// serveCredits takes {"enough": true} or false.
func (s *Server) serveCredits(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Enough bool `json:"enough"`
	}
	if readControl(w, r, &in) {
		s.SetCredits(in.Enough)
		w.WriteHeader(http.StatusNoContent)
	}
}

// serveDown takes {"down": true} or false.
func (s *Server) serveDown(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Down bool `json:"down"`
	}
	if readControl(w, r, &in) {
		s.Down(in.Down)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) serveStats(w http.ResponseWriter, _ *http.Request) {
	answer{status: http.StatusOK, body: s.Stats()}.write(w)
}

// readControl reads a body of the stand-in's own paths; it answers when it is wrong.
func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	text, problem := readBody(w, r)
	if problem == nil {
		err := decodeStrictly(text, into)
		if err == nil {
			return true
		}
		problem = new(invalid(detail{"body", err.Error()}))
	}
	problem.write(w)
	return false
}

// serveLive is what streaming_url leads to: how a run stands, in words.
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	run, ok := s.find(r.PathValue("id"))
	if !ok {
		notFound().write(w)
		return
	}
	v := run.at(s.now())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = fmt.Fprintf(w, "A made-up run: no browser is at work.\n\n%s\n%s, %d steps\n\n%s\n",
		v.req.URL, v.status(), v.stepsTaken(), v.req.Goal)
}

// serveVideo is what video_url leads to for 15 minutes.
func (s *Server) serveVideo(w http.ResponseWriter, r *http.Request) {
	expires, err := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	if _, ok := s.find(r.PathValue("id")); !ok || err != nil {
		notFound().write(w)
		return
	}
	if s.now().After(time.Unix(expires, 0)) {
		refusal(http.StatusForbidden, codeForbidden, "The address has expired").write(w)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(screenshot) // a client that left has nobody to tell
}
