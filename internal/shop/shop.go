package shop

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"
)

// DefaultDelay is Config.Delay unless given.
const DefaultDelay = time.Second

// Config makes a shop what it is.
type Config struct {
	// Seed decides products, truths and misbehaviour.
	Seed int64
	// Delay is the shortest wait of a slow page; the longest is three times as long.
	// Tests that wait for nothing make it short.
	Delay time.Duration
}

// Shop is the shop. It is safe for concurrent use.
type Shop struct {
	delay    time.Duration
	products []*Product
	byPath   map[string]*Product
	handler  http.Handler

	mu       sync.Mutex
	requests map[string]int // by path
	server   *server
}

// New makes a shop; it serves nothing yet.
func New(cfg Config) *Shop {
	if cfg.Delay <= 0 {
		cfg.Delay = DefaultDelay
	}
	s := &Shop{
		delay:    cfg.Delay,
		products: newCatalogue(cfg.Seed),
		byPath:   make(map[string]*Product),
		requests: make(map[string]int),
	}
	for _, p := range s.products {
		s.byPath[p.Path] = p
	}
	s.handler = s.routes()
	return s
}

// Products lists the products in the order of the CSV. They are the caller's own.
func (s *Shop) Products() []Product {
	out := make([]Product, len(s.products))
	for i, p := range s.products {
		out[i] = *p
		out[i].Truth = maps.Clone(p.Truth)
	}
	return out
}

// Product finds a product by the path of its page.
func (s *Shop) Product(path string) (Product, bool) {
	p, ok := s.byPath[path]
	if !ok {
		return Product{}, false
	}
	return *p, true
}

// Requests is how often the page at a path was asked for.
func (s *Shop) Requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[path]
}

// ResetCounters forgets all requests: pages that refuse the first one refuse again.
func (s *Shop) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.requests)
}

// count counts a request and gives its number, from 1.
func (s *Shop) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[path]++
	return s.requests[path]
}

// wait waits as long as the slow product of this number does.
func (s *Shop) wait(ctx context.Context, number int) error {
	const steps = 3
	timer := time.NewTimer(s.delay + s.delay*time.Duration(number%steps)*2/(steps-1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
