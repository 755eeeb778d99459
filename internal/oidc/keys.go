package oidc

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// How long the issuer's word is believed, and how often it is asked.
const (
	refreshAfter = 5 * time.Minute
	deadAfter    = 15 * time.Minute
	// unknownPause is between two times that the issuer is asked for an unknown key.
	unknownPause = 5 * time.Second
	firstPause   = time.Second
	longestPause = 30 * time.Second
	// fetchTimeout is for one document; there are two.
	fetchTimeout = 5 * time.Second
)

// keyring has the keys of an issuer and knows when to ask for them.
type keyring struct {
	issuer  string
	client  *http.Client
	now     func() time.Time
	flights singleflight.Group

	mu    sync.Mutex
	state state
}

// state is what is known of the issuer. Its set is never changed, only replaced.
type state struct {
	set    keySet
	readAt time.Time // zero when the keys were never read
	// soughtAt is when the issuer was last asked by a token whose key it does not have, or
	// that was unknown until then.
	soughtAt time.Time

	// err is why the last try failed, nil when it did not; the next may be at retryAt.
	err      error
	failures int
	retryAt  time.Time
}

func newKeyring(issuer string, now func() time.Time) *keyring {
	return &keyring{issuer: issuer, client: newClient(), now: now}
}

// asks tells whether the issuer has to be asked on behalf of a token with a key's id, and
// whether only for that id.
func (s *state) asks(now time.Time, keyID string) (ask, seek bool) {
	switch {
	case now.Before(s.retryAt):
		return false, false
	case s.readAt.IsZero() || now.Sub(s.readAt) >= refreshAfter:
		return true, false
	case s.set.has(keyID) || !s.soughtAt.IsZero() && now.Sub(s.soughtAt) < unknownPause:
		return false, false
	}
	return true, true
}

// stands tells whether a token with a key's id is judged by the keys that are there while
// the issuer is asked again. It is when the last try failed: an issuer that does not answer
// would otherwise keep every request waiting for as long as its keys are believed.
func (s *state) stands(now time.Time, keyID string) bool {
	return s.err != nil && !s.readAt.IsZero() && now.Sub(s.readAt) < deadAfter && s.set.has(keyID)
}

// answer is what the state says to a token with a key's id.
func (s *state) answer(now time.Time, keyID string) (keySet, error) {
	switch {
	case s.readAt.IsZero() || now.Sub(s.readAt) >= deadAfter:
		return nil, unavailable(s.err)
	case s.set.has(keyID):
		return s.set, nil
	case s.err != nil:
		return nil, unavailable(s.err) // it may be a new key
	}
	return nil, invalid("the issuer has no key of its id")
}

// find gives the keys among which one of the id is, or any when the id is empty. The
// issuer is asked by one flight at a time, and on nobody's behalf in particular: a caller
// that leaves does not end it for the others.
func (k *keyring) find(ctx context.Context, keyID string) (keySet, error) {
	k.mu.Lock()
	now, known := k.now(), k.state
	k.mu.Unlock()
	if ask, _ := known.asks(now, keyID); ask {
		landed := k.flights.DoChan("", func() (any, error) {
			k.ask(context.WithoutCancel(ctx), keyID)
			return struct{}{}, nil
		})
		if known.stands(now, keyID) {
			return known.set, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-landed:
		}
		k.mu.Lock()
		now, known = k.now(), k.state
		k.mu.Unlock()
	}
	return known.answer(now, keyID)
}

// ask asks the issuer, unless another flight has done so meanwhile.
func (k *keyring) ask(ctx context.Context, keyID string) {
	k.mu.Lock()
	next := k.state
	k.mu.Unlock()
	now := k.now()
	ask, seek := next.asks(now, keyID)
	if !ask {
		return
	}
	set, err := k.read(ctx)
	if seek || err == nil && !set.has(keyID) {
		next.soughtAt = now
	}
	if err != nil {
		next.err = err
		next.retryAt = k.now().Add(min(firstPause<<next.failures, longestPause))
		next.failures = min(next.failures+1, 8) // beyond which the pause is the longest
	} else {
		// The age counts from the question: what changed after it may not be in the answer.
		next.set, next.readAt = set, now
		next.err, next.failures, next.retryAt = nil, 0, time.Time{}
	}
	k.mu.Lock()
	k.state = next
	k.mu.Unlock()
}

// read asks for the place of the keys, and for the keys. The place is not remembered: keys
// that moved would be unknown, and those left behind would be believed.
func (k *keyring) read(ctx context.Context) (keySet, error) {
	place, err := k.discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("read its configuration: %w", err)
	}
	set, err := k.readKeys(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("read its keys: %w", err)
	}
	return set, nil
}
