package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// shelf is a service that keeps runs, without a network: in a bubble of its own, time
// passes only when everybody waits, so that which looks go together is certain.
type shelf struct {
	// batch answers questions about several runs; nil answers them as the API does.
	batch func(ids []string, r *http.Request) (status int, body string)
	// run gives a run as JSON; "" is one that is not known.
	run func(id string) string

	mu    sync.Mutex
	calls []string // the ids that were asked for, "GET a" or "POST a b"
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Method == http.MethodGet {
		id := strings.TrimPrefix(r.URL.Path, runsPath+"/")
		s.note("GET " + id)
		if s.run(id) == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, err := w.WriteString(s.run(id))
		return w.Result(), err
	}
	var asked struct {
		RunIDs []string `json:"run_ids"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	s.note("POST " + strings.Join(asked.RunIDs, " "))
	status, body := http.StatusOK, ""
	if s.batch != nil {
		status, body = s.batch(asked.RunIDs, r)
	}
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case status == 0:
		return nil, errCut
	case body == "":
		body = s.answer(asked.RunIDs)
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "300")
	}
	w.WriteHeader(status)
	_, err := w.WriteString(body)
	return w.Result(), err
}

var errCut = fmt.Errorf("cut: %w", http.ErrAbortHandler)

// answer is the API's, about these runs.
func (s *shelf) answer(ids []string) string {
	data, missing := []string{}, []string{}
	for _, id := range ids {
		if run := s.run(id); run != "" {
			data = append(data, run)
		} else {
			missing = append(missing, fmt.Sprintf("%q", id))
		}
	}
	return `{"data":[` + strings.Join(data, ",") + `],"not_found":[` + strings.Join(missing, ",") + `]}`
}

func (s *shelf) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *shelf) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// going is a run that goes on; its goal tells it from others.
func going(id string) string {
	return fmt.Sprintf(`{"run_id":%q,"status":"RUNNING","goal":"goal of %s"}`, id, id)
}

// looker looks at runs of a shelf, each time with a service of its own, as attempts do.
type looker struct {
	shelf *shelf
	gates *gates
	wg    sync.WaitGroup
}

func newLooker(change ...func(*shelf)) *looker {
	s := &shelf{run: going}
	for _, c := range change {
		c(s)
	}
	return &looker{shelf: s, gates: newGates(time.Second, time.Second)}
}

func (l *looker) service(key string, hidden ...string) *service {
	return &service{
		base: "https://a.example", key: key, gate: l.gates.of("https://a.example", key), rest: time.Minute,
		hide: hiding(append(hidden, key)...), http: &http.Client{Transport: l.shelf},
	}
}

// sight is what a look came to.
type sight struct {
	run      document
	err      error
	requests int
	bytes    int64
}

// at looks at a run, and returns when the look waits, or has come to an end.
func (l *looker) at(ctx context.Context, id string) *sight {
	return l.with(ctx, l.service("key-0001"), id)
}

func (l *looker) with(ctx context.Context, s *service, id string) *sight {
	seen := &sight{}
	l.wg.Go(func() {
		seen.run, seen.err = s.look(ctx, id)
		seen.requests, seen.bytes = s.requests, s.bytes
	})
	synctest.Wait()
	return seen
}

// pass has the bubble's time pass, such as that to the next turn.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	require.NoError(t, pause(t.Context(), d))
	synctest.Wait()
}

// bubble runs a test in a bubble.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}
