package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/models"
)

// Freshness is how long the word of the records is believed: for so long a key or a member
// that is no more may still be let in.
const Freshness = time.Second

// patience is how long the records may take to answer.
const patience = 2 * time.Second

// kept remembers answers to questions, a bounded number of them, and has each question
// asked once at a time. It is safe for concurrent use.
type kept[K comparable, V any] struct {
	now     func() time.Time
	good    *lru.Cache[K, answer[V]]
	bad     *lru.Cache[K, answer[error]]
	badFor  time.Duration // that a bad answer is believed
	flights singleflight.Group
}

// answer is what was said, and when it was asked: what has changed since then is not in it.
type answer[V any] struct {
	value V
	at    time.Time
}

func newKept[K comparable, V any](most int, badFor time.Duration, now func() time.Time) *kept[K, V] {
	good, err := lru.New[K, answer[V]](most)
	if err != nil {
		panic(err) // of a number that is not positive
	}
	bad, err := lru.New[K, answer[error]](most)
	if err != nil {
		panic(err)
	}
	return &kept[K, V]{now: now, good: good, bad: bad, badFor: badFor}
}

// last gives the last good answer, however old; a bad one that came later has taken it away.
func (k *kept[K, V]) last(key K) (V, bool) {
	a, ok := k.good.Get(key)
	return a.value, ok
}

// forget has the next question asked.
func (k *kept[K, V]) forget(key K) { k.good.Remove(key) }

// recent gives an answer that is still believed; false when there is none.
func (k *kept[K, V]) recent(key K) (V, bool, error) {
	now := k.now()
	if a, ok := k.good.Get(key); ok && now.Sub(a.at) < Freshness {
		return a.value, true, nil
	}
	var none V
	if a, ok := k.bad.Get(key); ok && now.Sub(a.at) < k.badFor {
		return none, true, a.value
	}
	return none, false, nil
}

// get gives an answer that is believed, and asks when there is none. The question goes on
// when the caller does not wait for it, since others may.
func (k *kept[K, V]) get(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	if value, ok, err := k.recent(key); ok {
		return value, err
	}
	var none V
	flight := k.flights.DoChan(fmt.Sprint(key), func() (any, error) {
		if value, ok, err := k.recent(key); ok { // since another flight has just landed
			return value, err
		}
		at := k.now()
		value, err := ask(context.WithoutCancel(ctx))
		k.keep(key, answer[V]{value, at}, err)
		return value, err
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case landed := <-flight:
		if landed.Err != nil {
			return none, landed.Err
		}
		value, _ := landed.Val.(V)
		return value, nil
	}
}

// keep remembers an answer. An error that says nothing of what was asked for, such as that
// nobody answers, leaves things as they were.
func (k *kept[K, V]) keep(key K, a answer[V], err error) {
	switch {
	case err == nil:
		k.good.Add(key, a)
		k.bad.Remove(key)
	case errors.Is(err, models.ErrNotFound), errors.Is(err, oidc.ErrInvalid):
		k.good.Remove(key)
		if k.badFor > 0 {
			k.bad.Add(key, answer[error]{err, a.at})
		}
	}
}
