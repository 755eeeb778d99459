package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/failure"
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

func TestLooksOfOneKeyGoTogether(t *testing.T) {
	t.Parallel()
	bubble := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}

	bubble("AHundredInACall", func(t *testing.T) {
		l := newLooker()
		var seen []*sight
		for n := range 250 {
			seen = append(seen, l.at(t.Context(), fmt.Sprintf("run-%d", n)))
		}
		l.wg.Wait()
		requests := 0
		for n, s := range seen {
			require.NoError(t, s.err)
			require.Equal(t, fmt.Sprintf("goal of run-%d", n), s.run.text("goal"))
			require.Positive(t, s.bytes)
			requests += s.requests
		}
		calls := l.shelf.called()
		require.Len(t, calls, 4)
		require.Equal(t, "GET run-0", calls[0], "one that is alone")
		for i, many := range []int{100, 100, 49} {
			require.Len(t, strings.Fields(calls[i+1]), many+1)
		}
		require.Equal(t, len(calls), requests, "a call is counted once")
	})

	bubble("AndNoneButThose", func(t *testing.T) {
		l := newLooker()
		for _, key := range []string{"key-0001", "key-0002"} {
			for _, id := range []string{"a", "b", "c"} {
				l.with(t.Context(), l.service(key), id+key)
			}
		}
		l.wg.Wait()
		require.ElementsMatch(t, []string{
			"GET akey-0001", "GET akey-0002", "POST bkey-0001 ckey-0001", "POST bkey-0002 ckey-0002",
		}, l.shelf.called())
	})

	bubble("OneThatIsAloneAsksByItself", func(t *testing.T) {
		l := newLooker()
		for _, id := range []string{"a", "b"} {
			s := l.at(t.Context(), id)
			l.wg.Wait()
			require.NoError(t, s.err)
			require.Equal(t, 1, s.requests)
		}
		require.Equal(t, []string{"GET a", "GET b"}, l.shelf.called())
	})

	bubble("TwoAtOneRun", func(t *testing.T) {
		l := newLooker()
		l.at(t.Context(), "first")
		one, two := l.at(t.Context(), "a"), l.at(t.Context(), "a")
		l.wg.Wait()
		require.NoError(t, errors.Join(one.err, two.err))
		require.Equal(t, one.run, two.run)
		require.Equal(t, "POST a", l.shelf.called()[1])
	})

	bubble("EachHidesItsOwnSecrets", func(t *testing.T) {
		l := newLooker(func(s *shelf) {
			s.run = func(id string) string {
				return fmt.Sprintf(`{"run_id":%q,"status":"RUNNING","list":["key-0001 and password-%s"]}`, id, id)
			}
		})
		l.at(t.Context(), "first")
		one := l.with(t.Context(), l.service("key-0001", "password-a"), "a")
		two := l.with(t.Context(), l.service("key-0001", "password-b"), "b")
		l.wg.Wait()
		require.Equal(t, []any{"[redacted] and [redacted]"}, one.run.list("list"))
		require.Equal(t, []any{"[redacted] and [redacted]"}, two.run.list("list"))
	})
}

func TestALookEndsWithItsContext(t *testing.T) {
	t.Parallel()
	bubble := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}
	// held keeps questions about several runs waiting until they are given up, or let go.
	held := func(goOn <-chan struct{}) func(*shelf) {
		return func(s *shelf) {
			s.batch = func(_ []string, r *http.Request) (int, string) {
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
				return http.StatusOK, ""
			}
		}
	}

	bubble("BeforeItsTurn", func(t *testing.T) {
		l := newLooker()
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left := l.at(ctx, "a")
		stays, too := l.at(t.Context(), "b"), l.at(t.Context(), "c")
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		l.wg.Wait()
		require.NoError(t, errors.Join(stays.err, too.err))
		require.Equal(t, []string{"GET first", "POST b c"}, l.shelf.called(), "it is not asked for")
	})

	bubble("AllBeforeTheirTurn", func(t *testing.T) {
		l := newLooker()
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left := l.at(ctx, "a")
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		next := l.at(t.Context(), "b")
		l.wg.Wait()
		require.NoError(t, next.err)
		require.Equal(t, []string{"GET first", "GET b"}, l.shelf.called())
	})

	bubble("DuringTheCallWhichGoesOnForTheOthers", func(t *testing.T) {
		goOn := make(chan struct{})
		l := newLooker(held(goOn))
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left, stays := l.at(ctx, "a"), l.at(t.Context(), "b")
		time.Sleep(time.Second) // of the bubble's: the turn has come
		synctest.Wait()
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		require.Nil(t, stays.run)
		close(goOn)
		l.wg.Wait()
		require.NoError(t, stays.err)
		require.Equal(t, "goal of b", stays.run.text("goal"))
	})

	bubble("DuringTheCallWhichEndsWithTheLast", func(t *testing.T) {
		l := newLooker(held(nil)) // it would never answer
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		one, two := l.at(ctx, "a"), l.at(ctx, "b")
		time.Sleep(time.Second) // of the bubble's: the turn has come
		synctest.Wait()
		require.Len(t, l.shelf.called(), 2)
		leave()
		l.wg.Wait()
		require.ErrorIs(t, one.err, context.Canceled)
		require.ErrorIs(t, two.err, context.Canceled)
		// The bubble ends with the last of its goroutines: the call has ended.
	})

	bubble("AndASlowCallKeepsNoOthers", func(t *testing.T) {
		goOn := make(chan struct{})
		l := newLooker(held(goOn))
		l.at(t.Context(), "first")
		slow, too := l.at(t.Context(), "a"), l.at(t.Context(), "b")
		time.Sleep(time.Second) // of the bubble's: the turn has come
		synctest.Wait()
		next := l.at(t.Context(), "c")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, "goal of c", next.run.text("goal"))
		require.Nil(t, slow.run)
		close(goOn)
		l.wg.Wait()
		require.NoError(t, errors.Join(slow.err, too.err))
	})
}

func TestWhatAnAnswerAboutSeveralRunsMeans(t *testing.T) {
	t.Parallel()
	const completed = `"run_id":"b","status":"COMPLETED"`
	for name, test := range map[string]struct {
		status int
		body   string
		code   string        // of every look's failure; "" when they succeed
		class  failure.Class //
		alone  int           // those that ask by themselves after it
		after  bool          // looks go alone from then on
		codeB  string        // of b's own failure
		lostB  bool
	}{
		"ABrokenService":             {status: 500, body: `{"error":{"code":"INTERNAL_ERROR"}}`, code: "INTERNAL_ERROR", class: failure.Transient},
		"ABusyService":               {status: 503, body: `{"error":{"code":"SERVICE_BUSY"}}`, code: "SERVICE_BUSY", class: failure.Transient},
		"AGatewaysPage":              {status: 502, body: `<html>`, code: "HTTP_502", class: failure.Transient},
		"AGatewayThatGaveUp":         {status: 504, body: `<html>`, code: "HTTP_504", class: failure.Timeout},
		"ACut":                       {status: 0, code: CodeAnswerUnreadable, class: failure.Transient},
		"Half":                       {status: 200, body: `{"data":[{"run`, code: CodeAnswerUnreadable, class: failure.Transient},
		"NoList":                     {status: 200, body: `{"runs":[]}`, code: CodeAnswerUnreadable, class: failure.Transient},
		"AKeyThatIsRefused":          {status: 401, body: `{"error":{"code":"INVALID_API_KEY"}}`, code: CodeInvalidAPIKey, class: failure.Permanent},
		"NoCredits":                  {status: 403, body: `{"error":{"code":"FORBIDDEN","message":"no credits"}}`, code: CodeInsufficientCredits, class: failure.Permanent},
		"NoSuchEndpoint":             {status: 404, body: `{"error":{"code":"NOT_FOUND"}}`, alone: 3, after: true},
		"NoSuchMethod":               {status: 405, body: `no`, alone: 3, after: true},
		"NotImplemented":             {status: 501, body: `no`, alone: 3, after: true},
		"AnIDThatIsNotTaken":         {status: 400, body: `{"error":{"code":"INVALID_INPUT"}}`, alone: 3},
		"ARunOfSomebodyElse":         {status: 403, body: `{"error":{"code":"FORBIDDEN"}}`, alone: 3},
		"ARedirect":                  {status: 307, body: `{}`, alone: 3},
		"MoreThanCanBeTaken":         {status: 200, body: `{"data":[],"x":"` + strings.Repeat("x", maxAnswer) + `"}`, alone: 3},
		"ARunThatIsNotKnown":         {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{"id":"c","status":"running"}],"not_found":["b"]}`, lostB: true},
		"ARunThatIsNotKnownInCamels": {status: 200, body: `{"data":[{"runId":"a","status":"RUNNING"},{"id":"c","status":"running"}],"notFound":["b"]}`, lostB: true},
		"ARunThatIsNotSpokenOf":      {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{"run_id":"c","status":"RUNNING"}]}`, codeB: CodeRunUnknown},
		"ARunThatIsNone":             {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{"run_id":"b"},7,{"run_id":"c","status":"RUNNING"}]}`, codeB: CodeAnswerUnreadable},
		"AResultWithoutItsSteps":     {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{` + completed + `,"result":null},{"run_id":"c","status":"CANCELLED"}]}`, alone: 1},
		"StepsWithoutTheirResult":    {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{` + completed + `,"num_of_steps":2},{"run_id":"c","status":"CANCELLED"}]}`, alone: 1},
		"AFailureWithoutItsError":    {status: 200, body: `{"data":[{"run_id":"a","status":"RUNNING"},{"run_id":"b","status":"FAILED"},{"run_id":"c","status":"CANCELLED"}]}`, alone: 1},
		"AllThatMatters": {status: 200, body: `{"data":[{"run_id":"a","status":"FAILED","error":null},` +
			`{` + completed + `,"numOfSteps":2,"resultJson":null},{"run_id":"c","status":"CANCELLED"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLooker(func(s *shelf) {
					s.batch = func([]string, *http.Request) (int, string) { return test.status, test.body }
				})
				l.at(t.Context(), "first")
				a, b, c := l.at(t.Context(), "a"), l.at(t.Context(), "b"), l.at(t.Context(), "c")
				l.wg.Wait()
				for _, s := range []*sight{a, b, c} {
					code := test.code
					if s == b && test.codeB != "" {
						code = test.codeB
					}
					if code == "" {
						require.NoError(t, s.err)
						require.Equal(t, s == b && test.lostB, s.run == nil)
						continue
					}
					f := failure.Classify(s.err)
					require.Equal(t, code, f.Code, "%v", s.err)
					if test.class != "" {
						require.Equal(t, test.class, f.Class)
					}
				}
				calls := l.shelf.called()
				require.Equal(t, []string{"GET first", "POST a b c"}, calls[:2])
				require.Len(t, calls[2:], test.alone)

				l.at(t.Context(), "d")
				l.at(t.Context(), "e")
				l.at(t.Context(), "f")
				l.wg.Wait()
				require.Equal(t, !test.after, strings.Contains(strings.Join(l.shelf.called()[len(calls):], "\n"), "POST"))
			})
		})
	}
}

func TestAServiceThatRefusesSeveralRunsIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusNotFound
		l := newLooker(func(s *shelf) {
			s.batch = func([]string, *http.Request) (int, string) { return status, "" }
		})
		looks := func() []string {
			before := len(l.shelf.called())
			a, b, c := l.at(t.Context(), "a"), l.at(t.Context(), "b"), l.at(t.Context(), "c")
			l.wg.Wait()
			require.NoError(t, errors.Join(a.err, b.err, c.err))
			return l.shelf.called()[before:]
		}
		require.ElementsMatch(t, []string{"GET a", "POST b c", "GET b", "GET c"}, looks())
		status = http.StatusOK
		require.Equal(t, []string{"GET a", "GET b", "GET c"}, looks())
		time.Sleep(refusedFor) // of the bubble's
		require.Equal(t, []string{"GET a", "POST b c"}, looks())
	})
}

func TestAKeyThatIsAskedToSlowDownRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusTooManyRequests
		goOn := make(chan struct{})
		l := newLooker(func(s *shelf) {
			s.batch = func([]string, *http.Request) (int, string) {
				<-goOn
				return status, ""
			}
		})
		l.at(t.Context(), "first")
		a, b := l.at(t.Context(), "a"), l.at(t.Context(), "b")
		time.Sleep(time.Second) // of the bubble's: their turn has come
		synctest.Wait()
		waits := l.at(t.Context(), "c") // for the turn after that, when the answer comes
		close(goOn)
		synctest.Wait()
		for _, s := range []*sight{a, b} {
			f := failure.Classify(s.err)
			require.Equal(t, failure.RateLimit, f.Class, "%v", s.err)
			require.Equal(t, 5*time.Minute, f.RetryAfter)
		}
		status = http.StatusOK
		time.Sleep(5*time.Minute - time.Second)
		later := l.at(t.Context(), "d")
		require.Len(t, l.shelf.called(), 2, "nothing is asked meanwhile")
		l.wg.Wait()
		require.NoError(t, errors.Join(waits.err, later.err))
		require.Equal(t, "POST c d", l.shelf.called()[2])
	})
}
