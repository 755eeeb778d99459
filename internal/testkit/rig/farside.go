package rig

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// FarSideConfig says how a far side behaves.
type FarSideConfig struct {
	// Seed decides what happens to which call of which row.
	Seed uint64
	// Pace is how slow it is.
	Pace Pace
	// The shares of calls that are answered 503, 429 and by a reset connection.
	Unwell, Limited, Reset float64
	// RetryAfter is what every second 429 asks for, in whole seconds.
	RetryAfter time.Duration
}

// Pace is how long answers take: heavy-tailed between Least and Most. The zero value
// answers at once.
type Pace struct{ Least, Most time.Duration }

// tail is the exponent of the Pareto distribution of durations: the mean is three
// times the least, as far as the most does not cut it off.
const tail = 1.5

// Call is one request that a far side got.
type Call struct {
	Begun, Ended time.Time
	// Status is that of the answer; 0 when there was none.
	Status int
	// Reset says that the connection was reset instead of an answer.
	Reset bool
	// RetryAfter is what the answer asked for.
	RetryAfter time.Duration
}

// FarSide is a web site of product pages, one for each row of each of its batches. It
// counts the calls for each.
type FarSide struct {
	*httptest.Server

	config FarSideConfig

	mu       sync.Mutex
	pace     Pace
	hurry    chan struct{} // closed when everything waiting is to be answered
	calls    map[string][]Call
	answered int
	inFlight int
	limit    int
	carried  int
	excess   []string
}

// NewFarSide starts a far side; it ends with the test.
func NewFarSide(tb testing.TB, config FarSideConfig) *FarSide {
	tb.Helper()
	f := &FarSide{config: config, pace: config.Pace, hurry: make(chan struct{}), calls: map[string][]Call{}}
	f.Server = httptest.NewServer(f)
	tb.Cleanup(func() {
		f.Hurry()
		f.Close()
	})
	return f
}

// CSV is a batch of so many rows of its own.
func (f *FarSide) CSV(batch string, rows int) []byte {
	var out bytes.Buffer
	out.WriteString("site_url,gt_price\n")
	for row := 1; row <= rows; row++ {
		fmt.Fprintf(&out, "%s%s,10.00\n", f.URL, PathOf(batch, row))
	}
	return out.Bytes()
}

// PathOf is the path of a row's page.
func PathOf(batch string, row int) string { return "/" + batch + "/" + strconv.Itoa(row) }

// SetPace changes how slow it is with calls to come.
func (f *FarSide) SetPace(p Pace) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace = p
}

// Hurry has everything answered at once from now on, what waits too.
func (f *FarSide) Hurry() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace = Pace{}
	close(f.hurry)
	f.hurry = make(chan struct{})
}

// Calls are the calls so far, by path.
func (f *FarSide) Calls() map[string][]Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string][]Call, len(f.calls))
	for path, calls := range f.calls {
		all[path] = append([]Call(nil), calls...)
	}
	return all
}

// Counts are how many calls have come, how many of them were answered, and how many
// are being answered.
func (f *FarSide) Counts() (came, answered, inFlight int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answered + f.inFlight, f.answered, f.inFlight
}

// ServeHTTP answers as the configuration and the seed say.
func (f *FarSide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, takes, hurry := f.begin(r.URL.Path)
	random := f.random(r.URL.Path, number)
	if takes.Least > 0 {
		timer := time.NewTimer(takes.draw(random))
		select {
		case <-timer.C:
		case <-hurry:
		case <-r.Context().Done():
		}
		timer.Stop()
	}
	call := Call{Status: http.StatusOK}
	switch luck := random.Float64(); {
	case r.Context().Err() != nil: // the other side has left
		call.Status = 0
	case luck < f.config.Reset:
		call.Status, call.Reset = 0, true
	case luck < f.config.Reset+f.config.Unwell:
		call.Status = http.StatusServiceUnavailable
	case luck < f.config.Reset+f.config.Unwell+f.config.Limited:
		call.Status = http.StatusTooManyRequests
		if number%2 == 0 {
			call.RetryAfter = f.config.RetryAfter
		}
	}
	f.end(r.URL.Path, number, call)
	answer(w, call)
}

func answer(w http.ResponseWriter, c Call) {
	if c.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(c.RetryAfter.Seconds())))
	}
	switch c.Status {
	case 0:
		reset(w)
	case http.StatusOK:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<html><body><h1>Chair</h1><script type="application/ld+json">
		{"@type":"Product","name":"Chair","sku":"C-1","offers":{"price":"10.00","priceCurrency":"EUR"}}</script></body></html>`)
	default:
		http.Error(w, http.StatusText(c.Status), c.Status)
	}
}

// reset breaks the connection off so that the other side is told.
func reset(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return // it has left already
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else the connection is closed politely
	}
	_ = conn.Close() // that is the point
}

// random is what befalls a call: the same every time.
func (f *FarSide) random(path string, number int) *rand.Rand {
	sum := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(path) {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(f.config.Seed^sum, uint64(number))) //nolint:gosec // repeatable, no secret
}

func (p Pace) draw(random *rand.Rand) time.Duration {
	d := time.Duration(float64(p.Least) / math.Pow(1-random.Float64(), 1/tail))
	return min(max(d, p.Least), p.Most)
}

func (f *FarSide) begin(path string) (number int, pace Pace, hurry chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[path] = append(f.calls[path], Call{Begun: time.Now()})
	f.inFlight++
	f.judge(path)
	return len(f.calls[path]), f.pace, f.hurry
}

func (f *FarSide) end(path string, number int, call Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	call.Begun, call.Ended = f.calls[path][number-1].Begun, time.Now()
	f.calls[path][number-1] = call
	f.inFlight--
	f.answered++
	f.carried = max(f.carried-1, f.limit)
}
