package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/executors/httpstatus"
)

// document is a JSON object of the service. Older versions of it spell members in camel
// case, so that members are asked for by every name they have had.
type document map[string]any

// decodeDocument reads one JSON object, digits as they stand there, and redacts every
// text in it before anything else can see it.
func decodeDocument(raw []byte, hide *strings.Replacer) (document, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value map[string]any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	if value == nil {
		return nil, errors.New("null")
	}
	clean, _ := redact(value, hide).(map[string]any)
	return clean, nil
}

// redact gives a copy: an answer that is several jobs' hides for each what is its own.
func redact(v any, hide *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return hide.Replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = redact(v[i], hide)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[hide.Replace(name)] = redact(member, hide)
		}
		return out
	default:
		return v
	}
}

// shortestSecret is the least length of a secret that is looked for in answers: shorter
// ones stand in every other number.
const shortestSecret = 6

// hiding makes what replaces secrets in answers, which may echo a request.
func hiding(secrets ...string) *strings.Replacer {
	// The longest first, so that one which begins like another leaves no rest of it.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range secrets {
		if len(s) >= shortestSecret {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// get gives the first member that is there and not null.
func (d document) get(names ...string) any {
	for _, name := range names {
		if v := d[name]; v != nil {
			return v
		}
	}
	return nil
}

func (d document) text(names ...string) string {
	s, _ := d.get(names...).(string)
	return s
}

func (d document) object(names ...string) document {
	o, _ := d.get(names...).(map[string]any)
	return o
}

func (d document) list(names ...string) []any {
	l, _ := d.get(names...).([]any)
	return l
}

// count gives a whole number of 0 or more; 0 when there is none. Counts beyond any that
// can be meant are cut, so that what is computed with them cannot overflow.
func (d document) count(names ...string) int {
	const most = 1_000_000
	number, ok := d.get(names...).(json.Number)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(number.String(), 64)
	if err != nil {
		return 0
	}
	return int(min(max(n, 0), most))
}

// moment gives a time; the zero time when there is none.
func (d document) moment(names ...string) time.Time {
	t, err := time.Parse(time.RFC3339, d.text(names...))
	if err != nil {
		return time.Time{}
	}
	return t
}

// seconds gives a span that is written as a number of seconds, a day at most.
func (d document) seconds(names ...string) time.Duration {
	return min(time.Duration(d.count(names...))*time.Second, httpstatus.LongestWait)
}

// runID is what an id may look like that goes into a path.
var runID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$`)

func (d document) runID() string {
	id := d.text("run_id", "runId", "id")
	if !runID.MatchString(id) {
		return ""
	}
	return id
}

// status is the state of a run in one spelling; empty when there is none.
func (d document) status() string {
	s := strings.ToUpper(strings.TrimSpace(d.text("status")))
	if s == "CANCELED" {
		return statusCancelled
	}
	return s
}

// States of a run at its end; others are those of runs that go on.
const (
	statusCompleted = "COMPLETED"
	statusFailed    = "FAILED"
	statusCancelled = "CANCELLED"
)

func terminal(status string) bool {
	return status == statusCompleted || status == statusFailed || status == statusCancelled
}
