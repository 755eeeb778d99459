package egress

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/minohq/mino/models/failure"
)

// maxPerGrant is how many requests and tunnels one grant may have at a time. Browsers
// keep to fewer.
const maxPerGrant = 128

// maxFailures bounds the hosts whose failures are remembered.
const maxFailures = 256

// Grant lets one job out. It is safe for concurrent use.
type Grant struct {
	// User and Password are what the program logs in with. They are random.
	User, Password string

	proxy   *Proxy
	ctx     context.Context //nolint:containedctx // it is the life of the grant, which ends with Close
	cancel  context.CancelFunc
	reverse *httputil.ReverseProxy
	web     *http.Transport

	budget   int64
	bytes    atomic.Int64
	requests atomic.Int64
	active   atomic.Int64

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	failures map[string]*failure.Error
	closed   bool
}

// Usage is what a grant has used.
type Usage struct {
	// Requests are plain requests and tunnels that were let in. What goes through a
	// tunnel is counted as one, since the proxy cannot see it.
	Requests int64
	// Bytes are those to and from servers.
	Bytes int64
}

// Grant makes a grant for one job, which may move so many bytes, to and fro; 0 means any
// number. It must be closed.
func (p *Proxy) Grant(budget int64) *Grant {
	ctx, cancel := context.WithCancel(context.Background())
	g := &Grant{
		User: rand.Text(), Password: rand.Text(),
		proxy: p, ctx: ctx, cancel: cancel, budget: budget,
		conns: map[net.Conn]struct{}{}, failures: map[string]*failure.Error{},
	}
	g.web = g.newTransport()
	g.reverse = g.newReverseProxy()
	p.mu.Lock()
	p.grants[g.User] = g
	p.mu.Unlock()
	return g
}

// Close ends the grant and cuts its connections. It may be called again.
func (g *Grant) Close() {
	g.proxy.mu.Lock()
	delete(g.proxy.grants, g.User)
	g.proxy.mu.Unlock()
	g.cancel()
	g.mu.Lock()
	g.closed = true
	conns := g.conns
	g.conns = map[net.Conn]struct{}{}
	g.mu.Unlock()
	for conn := range conns {
		_ = conn.Close() // it is being cut
	}
	g.web.CloseIdleConnections()
}

// Usage is what has been used so far.
func (g *Grant) Usage() Usage {
	return Usage{Requests: g.requests.Load(), Bytes: g.bytes.Load()}
}

// Exhausted reports whether the job has moved all the bytes that it may.
func (g *Grant) Exhausted() bool { return g.budget > 0 && g.bytes.Load() >= g.budget }

// Failure is why the host that HostPort names could not be reached when that was last
// tried in vain; nil when it never was. Other requests may have reached it since.
func (g *Grant) Failure(host string) *failure.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures[host]
}

// failed remembers why a host could not be reached.
func (g *Grant) failed(host string, err error) *failure.Error {
	classified := failure.Classify(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.failures[host]; known || len(g.failures) < maxFailures {
		g.failures[host] = classified
	}
	return classified
}

// authorise finds the grant that a request logs in with.
func (p *Proxy) authorise(r *http.Request) *Grant {
	encoded, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	if !ok {
		return nil
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	user, password, _ := strings.Cut(string(plain), ":")
	p.mu.Lock()
	g := p.grants[user]
	p.mu.Unlock()
	if g == nil || subtle.ConstantTimeCompare([]byte(g.Password), []byte(password)) != 1 {
		return nil
	}
	return g
}

func (g *Grant) enter() error {
	if g.Exhausted() {
		return failure.New(failure.Permanent, CodeBudget, "the page has moved more than %d bytes", g.budget)
	}
	if g.active.Add(1) > maxPerGrant {
		g.active.Add(-1)
		return failure.New(failure.Transient, CodeBusy, "more than %d connections at a time", maxPerGrant)
	}
	g.requests.Add(1)
	return nil
}

func (g *Grant) leave() { g.active.Add(-1) }

// dial connects to a server. The connection counts, and ends with the grant.
func (g *Grant) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := g.proxy.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	counted := &countedConn{Conn: conn, grant: g, idle: g.proxy.config.IdleTimeout}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = conn.Close() // the job is over
		return nil, net.ErrClosed
	}
	g.conns[counted] = struct{}{}
	return counted, nil
}
