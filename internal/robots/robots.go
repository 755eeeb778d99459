// Package robots says whether a site wants a robot at an address, as its robots.txt has it
// (RFC 9309), and how much time it wants between two requests.
//
// The site is authoritative; what it said is believed for an hour. A robots.txt is asked
// for once however many want to know, over the dialer of package safedial, since its
// address is as hostile as the page's. Its size, its redirects and the time it may take
// are bounded, and so are the number and the size of those that are remembered.
//
// What the answer means: 2xx is read; 4xx, and redirects beyond the fifth, mean that there
// is none, so that everything is allowed; 5xx and no answer at all mean that nobody
// knows, so that nothing is allowed for now.
//
// Failure: an address that is not wanted is a permanent *failure.Error with
// CodeDisallowed. When nobody knows it is a transient one with CodeUnreachable, for
// another attempt may find out, half a minute later; but an address that may not be dialled stays what
// package safedial says it is.
package robots

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// Codes of failures.
const (
	CodeDisallowed  = "ROBOTS_DISALLOWED"
	CodeUnreachable = "ROBOTS_UNREACHABLE"
	CodeInvalidURL  = "INVALID_URL"
)

// What is asked for and remembered.
const (
	maxSize      = 500 << 10 // of one file; RFC 9309 wants no less to be read
	maxRedirects = 5
	timeout      = 10 * time.Second
	believed     = time.Hour
	// A site that could not be asked is asked again after this.
	forgiven   = 30 * time.Second
	maxOrigins = 2048
	maxRules   = 64 << 20 // about the bytes of all rules together
	maxDelay   = time.Minute
)

// Config is what the operator decides.
type Config struct {
	// AllowedPrefixes may be reached although they are not public.
	AllowedPrefixes []netip.Prefix
	// UserAgent is the header that is sent. The robot is known in robots.txt by the word
	// after "compatible;", or else by the first one.
	UserAgent string
}

// Robots remembers what sites say. It is safe for concurrent use.
type Robots struct {
	config  Config
	token   string
	client  *http.Client
	flights singleflight.Group
	now     func() time.Time
	life    context.Context //nolint:containedctx // ends what is asked for many callers
	end     context.CancelFunc
	limit   int // of size

	mu      sync.Mutex
	known   *simplelru.LRU[string, entry]
	size    int
	closed  bool
	running sync.WaitGroup
}

// entry is what is known of an origin until it expires: rules, or why there are none.
type entry struct {
	rules   ruleset
	err     *failure.Error
	expires time.Time
}

// New makes one; Close ends what it asks for.
func New(config Config) *Robots { return sized(config, maxOrigins, maxRules) }

func sized(config Config, origins, size int) *Robots {
	r := &Robots{config: config, token: productToken(config.UserAgent), now: time.Now, limit: size}
	r.life, r.end = context.WithCancel(context.Background())
	r.client = &http.Client{
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || !isWeb(next.URL) {
				return http.ErrUseLastResponse // which is no robots.txt
			}
			return nil
		},
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would dial in place of the safe dialer
			DialContext:            safedial.New(config.AllowedPrefixes).DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    timeout,
			DisableKeepAlives:      true, // an origin is asked once in an hour
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
	var err error
	r.known, err = simplelru.NewLRU(origins, func(_ string, e entry) { r.size -= e.rules.size })
	if err != nil {
		panic(err) // of a number of origins that is not positive
	}
	return r
}

// Close ends what is being asked for, and waits for it. It may be called again.
func (r *Robots) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.running.Wait()
}

// Check says whether the site of an http or https URL allows it, and how long to wait
// between two requests to the site: 0 when it does not say, at most a minute. A context
// that ends is returned as it is.
func (r *Robots) Check(ctx context.Context, rawURL string) (time.Duration, error) {
	address, err := url.Parse(rawURL)
	if err != nil || address.Host == "" || !isWeb(address) {
		return 0, failure.New(failure.Permanent, CodeInvalidURL, "the URL is not an absolute http or https URL")
	}
	found, err := r.lookUp(ctx, origin(address))
	switch {
	case err != nil:
		return 0, err
	case found.err != nil:
		why := *found.err
		if why.Class.Retryable() {
			why.RetryAfter = max(found.expires.Sub(r.now()), 0) // no attempt before will know more
		}
		return 0, &why
	case !found.rules.allow(address):
		return found.rules.delay, failure.New(failure.Permanent, CodeDisallowed, "the site's robots.txt does not want robots there")
	}
	return found.rules.delay, nil
}

func isWeb(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// origin is what a robots.txt is for: scheme, host and port.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// lookUp gives what is known of an origin, and asks it when nothing is. It is asked on
// nobody's behalf in particular: a caller that leaves does not end it for the others.
func (r *Robots) lookUp(ctx context.Context, origin string) (entry, error) {
	if found, ok := r.remembered(origin); ok {
		return found, nil
	}
	answer := r.flights.DoChan(origin, func() (any, error) {
		if found, ok := r.remembered(origin); ok {
			return found, nil // another flight has landed meanwhile
		}
		if !r.begin() {
			return nil, context.Canceled
		}
		defer r.running.Done()
		found := r.ask(r.life, origin)
		if r.life.Err() != nil {
			return nil, context.Canceled
		}
		r.remember(origin, found)
		return found, nil
	})
	select {
	case <-ctx.Done():
		return entry{}, ctx.Err()
	case result := <-answer:
		found, ok := result.Val.(entry)
		if !ok {
			return entry{}, errors.Join(errors.New("robots is closed"), result.Err)
		}
		return found, nil
	}
}

func (r *Robots) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.running.Add(1)
	return true
}

func (r *Robots) remembered(origin string) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.known.Get(origin)
	return found, ok && r.now().Before(found.expires)
}

func (r *Robots) remember(origin string, e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known.Remove(origin)
	r.size += e.rules.size
	r.known.Add(origin, e)
	for r.size > r.limit && r.known.Len() > 1 {
		r.known.RemoveOldest()
	}
}
