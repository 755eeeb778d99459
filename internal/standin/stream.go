package standin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// heartbeatEvery is the silence after which a stream says that it is alive.
const heartbeatEvery = 10 * time.Second

// never is later than everything.
var never = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

func (s *Server) serveRunSSE(w http.ResponseWriter, r *http.Request) {
	req, problem := readCreate(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	f, refused := s.admit(EndpointRunSSE, req.URL)
	if refused != nil {
		refused.write(w)
		return
	}
	if a, abort, is := f.refuses(EndpointRunSSE); is {
		if abort {
			cut()
		}
		a.write(w)
		return
	}
	run := s.create(EndpointRunSSE, f, req)[0]
	if s.spoil(w, r, f, answer{body: event{"type": "STARTED", "run_id": run.id}}) {
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	(&stream{server: s, w: w, r: r, run: run, wrong: run.behaviour.Stream}).serve()
}

// event is one message of a stream, in the newer casing.
type event map[string]any

// stream tells one client of one run. A client that leaves does not end the run.
type stream struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	run    *run
	wrong  Stream
}

func (st *stream) serve() {
	if st.wrong.HeartbeatsOnly {
		st.waitUntil(never, nil)
	}
	st.say(event{"type": "STARTED", "run_id": st.run.id})
	st.waitUntil(st.run.starts, st.run.ended)
	if st.isCancelled() {
		st.complete()
		return
	}
	st.say(event{"type": "STREAMING_URL", "run_id": st.run.id, "streaming_url": st.run.streamingURL(base(st.r))})
	for n := range st.run.steps {
		if st.wrong.Cut && n == st.run.steps/2 {
			cut()
		}
		st.waitUntil(st.run.starts.Add(time.Duration(n+1)*st.run.stepTime), st.run.ended)
		if st.isCancelled() {
			st.complete()
			return
		}
		st.say(event{"type": "PROGRESS", "run_id": st.run.id, "purpose": action(n)})
	}
	end := st.run.ends
	if st.run.endless {
		end = never
	}
	st.waitUntil(end, st.run.ended)
	st.complete()
}

func (st *stream) isCancelled() bool { return st.run.cancelled.Load() != nil }

// complete tells how the run ended. What the agent asked of other services comes before,
// in a message that clients need not know.
func (st *stream) complete() {
	v := st.run.at(st.server.now())
	result, _ := v.result()
	if result != nil {
		st.say(event{"type": "TF_API_RESULT", "run_id": st.run.id, "tinyfish_api": "fetch", "result": []any{}})
	}
	last := event{"type": "COMPLETE", "run_id": st.run.id, "status": v.status(), "result": orNull(result), "error": nil}
	if failed := v.runError(); failed != nil {
		last["error"] = failed
		if st.wrong.ErrorAsString {
			last["error"] = failed.Message
		}
		if failed.HelpURL != "" {
			last["help_url"] = failed.HelpURL
		}
		if failed.HelpMessage != "" {
			last["help_message"] = failed.HelpMessage
		}
	}
	st.say(last)
}

// waitUntil waits for a moment, or until something else is done, with a heartbeat now
// and then.
func (st *stream) waitUntil(moment time.Time, or <-chan struct{}) {
	for {
		now := st.server.now()
		beat := now.Add(st.server.scaled(heartbeatEvery))
		next := moment
		if beat.Before(moment) {
			next = beat
		}
		if st.server.waitUntil(st.r.Context(), next, or) != nil {
			cut()
		}
		if next.Equal(moment) || (or != nil && st.isCancelled()) {
			return
		}
		st.say(event{"type": "HEARTBEAT"})
	}
}

// olderNames are the members' names on the older wire.
var olderNames = map[string]string{"run_id": "runId", "streaming_url": "streamingUrl", "result": "resultJson"}

func (st *stream) say(e event) {
	e["timestamp"] = stamp(st.server.now())
	if st.wrong.OldCasing {
		for name, older := range olderNames {
			if value, ok := e[name]; ok {
				e[older] = value
				delete(e, name)
			}
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		cut() // there is nothing in an event that could not be marshalled
	}
	if _, err := fmt.Fprintf(st.w, "data: %s\n\n", text); err != nil {
		cut() // the client left
	}
	if http.NewResponseController(st.w).Flush() != nil {
		cut()
	}
}
