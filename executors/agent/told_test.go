package agent

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/failure"
)

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
		pass(t, refusedFor)
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
		pass(t, time.Second)
		waits := l.at(t.Context(), "c") // for the turn after that, when the answer comes
		close(goOn)
		synctest.Wait()
		for _, s := range []*sight{a, b} {
			f := failure.Classify(s.err)
			require.Equal(t, failure.RateLimit, f.Class, "%v", s.err)
			require.Equal(t, 5*time.Minute, f.RetryAfter)
		}
		status = http.StatusOK
		pass(t, 5*time.Minute-time.Second)
		later := l.at(t.Context(), "d")
		require.Len(t, l.shelf.called(), 2, "nothing is asked meanwhile")
		l.wg.Wait()
		require.NoError(t, errors.Join(waits.err, later.err))
		require.Equal(t, "POST c d", l.shelf.called()[2])
	})
}
