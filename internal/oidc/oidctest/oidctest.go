// Package oidctest is an OpenID Connect issuer for tests, over real HTTP on this machine.
//
// The test is authoritative: it says which keys are published (Add, Rotate, Retire), what
// tokens hold (Token), and how the issuer fails (SetDown, Hang, Answer). Tokens are made
// with the standard library alone, so that what reads them is not checked against itself;
// Key.Sign makes such as no honest issuer would.
//
// The states of a key: published → retired, whose tokens can still be made. Those of the
// issuer: up ⇄ down (it answers 503), and hanging (it does not answer) until released.
//
// Failure: what goes wrong here fails the test.
package oidctest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// Where the documents are, below the address of the issuer.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/keys"
)

// Issuer is an issuer that runs until the test ends. Its methods are safe for concurrent
// use; its members are to be changed before anybody asks it.
type Issuer struct {
	// URL is what it calls itself, and `iss` of its tokens. The documents stay where they
	// are when it is changed.
	URL string
	// Audience is `aud` of its tokens, a generated name.
	Audience string

	address string

	mu        sync.Mutex
	published []*Key
	current   *Key
	requests  map[string]int
	answers   map[string]http.HandlerFunc
	down      bool
	hanging   chan struct{} // closed on release; nil when it does not hang
	asked     chan struct{} // closed and replaced on every request
}

// New starts an issuer with one ES256 key.
func New(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{
		Audience: "api-" + uuid.NewString(),
		requests: map[string]int{}, answers: map[string]http.HandlerFunc{}, asked: make(chan struct{}),
	}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	tb.Cleanup(func() {
		i.Release()
		server.Close()
	})
	i.URL, i.address = server.URL, server.URL
	i.Add(tb, "ES256")
	return i
}

// Add publishes another key, with which tokens are signed from now on. The algorithm is
// one of RS256 to RS512, PS256 to PS512, ES256 to ES512 and EdDSA; RSA keys take a moment
// to make.
func (i *Issuer) Add(tb testing.TB, algorithm string) *Key {
	tb.Helper()
	k := NewKey(tb, algorithm)
	i.Publish(k)
	return k
}

// Publish adds a key that was made or changed by the test, with which tokens are signed
// from now on.
func (i *Issuer) Publish(k *Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published, i.current = append(i.published, k), k
}

// Rotate publishes a new key of the algorithm of the present one, which stays published.
// Tokens are signed with the new one from now on.
func (i *Issuer) Rotate(tb testing.TB) *Key {
	tb.Helper()
	return i.Add(tb, i.Key().Algorithm)
}

// Retire takes the keys of an id out of the set.
func (i *Issuer) Retire(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = slices.DeleteFunc(slices.Clone(i.published), func(k *Key) bool { return k.ID == id })
}

// Key is the one that tokens are signed with.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}

// Token makes a token with the present key: iss, sub (a generated name), aud, iat (now) and
// exp (in an hour) are there unless given; one that is given as nil is left out.
func (i *Issuer) Token(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return i.Key().Sign(tb, nil, i.Claims(claims))
}

// Claims are what Token signs, for those who sign it otherwise.
func (i *Issuer) Claims(claims map[string]any) map[string]any {
	now := time.Now()
	return with(map[string]any{
		"iss": i.URL, "sub": "user-" + uuid.NewString(), "aud": i.Audience,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}, claims)
}

// SetDown has the issuer answer every request with 503, or not any more.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Hang keeps every request waiting, until Release or until the client gives up.
func (i *Issuer) Hang() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hanging == nil {
		i.hanging = make(chan struct{})
	}
}

// Release ends Hang; the requests that wait are answered. It is nothing when there is none.
func (i *Issuer) Release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hanging != nil {
		close(i.hanging)
		i.hanging = nil
	}
}

// Answer has something else answer at a path, such as DiscoveryPath; nil is the issuer
// itself again.
func (i *Issuer) Answer(path string, handler http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[path] = handler
}

// Discoveries is how often its configuration was asked for.
func (i *Issuer) Discoveries() int { return i.Requests(DiscoveryPath) }

// KeyReads is how often its keys were asked for.
func (i *Issuer) KeyReads() int { return i.Requests(KeysPath) }

// Requests is how often a path was asked for. They are counted when they come.
func (i *Issuer) Requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[path]
}

// WaitForRequests returns once a path was asked for so many times.
func (i *Issuer) WaitForRequests(tb testing.TB, path string, count int) {
	tb.Helper()
	for {
		i.mu.Lock()
		got, asked := i.requests[path], i.asked
		i.mu.Unlock()
		if got >= count {
			return
		}
		select {
		case <-asked:
		case <-time.After(10 * time.Second):
			require.Fail(tb, "the issuer is not asked", "%s: %d times of %d", path, got, count)
		}
	}
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests[r.URL.Path]++
	close(i.asked)
	i.asked = make(chan struct{})
	hanging := i.hanging
	i.mu.Unlock()
	if hanging != nil {
		select {
		case <-hanging:
		case <-r.Context().Done():
			return
		}
	}
	i.mu.Lock()
	down, answer, published := i.down, i.answers[r.URL.Path], i.published
	i.mu.Unlock()
	switch {
	case down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case answer != nil:
		answer(w, r)
	case r.URL.Path == DiscoveryPath:
		write(w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.address + KeysPath,
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA"},
		})
	case r.URL.Path == KeysPath:
		keys := make([]map[string]any, 0, len(published))
		for _, k := range published {
			keys = append(keys, k.Public())
		}
		write(w, map[string]any{"keys": keys})
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, document map[string]any) {
	body, err := json.Marshal(document)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError) // Key.Members are what it can't be
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that has gone is its own affair
}
