package api

import (
	"sync"

	"github.com/google/uuid"
)

// shares bounds how many of something run at once, and how many of those are one
// organisation's: of four or more a quarter is left to others, whatever one does. It is safe
// for concurrent use.
type shares struct {
	most, each int

	mu  sync.Mutex
	all int
	of  map[uuid.UUID]int // there are no zeros
}

func newShares(most int) *shares {
	return &shares{most: most, each: most - most/4, of: make(map[uuid.UUID]int)}
}

// full tells whether there is no place for an organisation.
func (s *shares) full(org uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isFull(org)
}

func (s *shares) isFull(org uuid.UUID) bool { return s.all >= s.most || s.of[org] >= s.each }

// take takes a place; false is that there is none.
func (s *shares) take(org uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isFull(org) {
		return false
	}
	s.all++
	s.of[org]++
	return true
}

// give gives back what take took.
func (s *shares) give(org uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[org]--; s.of[org] == 0 {
		delete(s.of, org)
	}
}
