package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// site is a web site whose pages wait for a test to let them go, so that a test can
// hold jobs where it wants them.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	open     bool
	waiting  int
	hits     map[string]int
	aborted  int
	tokens   chan struct{}
	openGate chan struct{}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{hits: map[string]int{}, tokens: make(chan struct{}), openGate: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.release()
		s.Close()
	})
	return s
}

// ServeHTTP answers when it is let go.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.count(r.URL.Path, 1)
	select {
	case <-s.tokens:
	case <-s.openGate:
	case <-r.Context().Done():
		s.mu.Lock()
		s.aborted++
		s.mu.Unlock()
	}
	s.count("", -1)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<html><body><h1>Chair</h1><script type="application/ld+json">
		{"@type":"Product","name":"Chair","sku":"C-1","offers":{"price":"10.00","priceCurrency":"EUR"}}</script></body></html>`)
}

func (s *site) count(path string, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += change
	if path != "" {
		s.hits[path]++
	}
}

// inFlight is how many requests wait.
func (s *site) inFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// requests is how many came, by path.
func (s *site) requests() (total int, byPath map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byPath = make(map[string]int, len(s.hits))
	for path, n := range s.hits {
		total += n
		byPath[path] = n
	}
	return total, byPath
}

// holds reports whether that many requests have come and that many of them wait.
func (s *site) holds(came, waiting int) bool {
	total, _ := s.requests()
	return total == came && s.inFlight() == waiting
}

// abandoned is how many requests were given up by the other side.
func (s *site) abandoned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aborted
}

// letGo answers a number of waiting requests.
func (s *site) letGo(n int) {
	for range n {
		s.tokens <- struct{}{}
	}
}

// release answers every request from now on.
func (s *site) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.open = true
		close(s.openGate)
	}
}

// csv is a batch over a number of its pages.
func (s *site) csv(rows int) []byte {
	var out bytes.Buffer
	out.WriteString("site_url,gt_price\n")
	for row := 1; row <= rows; row++ {
		fmt.Fprintf(&out, "%s/p/%d,10.00\n", s.URL, row)
	}
	return out.Bytes()
}
