package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// Header names the code of a failure in answers of the proxy itself. Answers of servers
// never carry it: it is taken off them.
const Header = "X-Mino-Egress"

// Codes of refusals, beside safedial.CodeNotAllowed and what package failure makes of the
// errors of the network.
const (
	CodePort   = "PORT_NOT_ALLOWED"
	CodeBudget = "TRANSFER_TOO_LARGE"
	CodeBusy   = "TOO_MANY_CONNECTIONS"
)

// Config is what the operator decides. Its zero value is good.
type Config struct {
	// AllowedPrefixes may be reached although they are not public.
	AllowedPrefixes []netip.Prefix
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	// MaxConnections bounds the connections to the proxy, of all grants; 0 means 1,024.
	MaxConnections int
	// IdleTimeout ends a connection on which nothing moves; 0 means a minute.
	IdleTimeout time.Duration
}

const (
	defaultConnections = 1024
	defaultIdle        = time.Minute
	headerTimeout      = 10 * time.Second
	maxRequestHeader   = 64 << 10
	maxResponseHeader  = 256 << 10
)

// Proxy serves on the loopback address until it is closed. It is safe for concurrent use.
type Proxy struct {
	config   Config
	dialer   *net.Dialer
	listener net.Listener
	server   *http.Server
	served   chan struct{}

	mu     sync.Mutex
	grants map[string]*Grant // by user
}

// Listen starts a proxy on a free port.
func Listen(ctx context.Context, config Config) (*Proxy, error) {
	if config.MaxConnections <= 0 {
		config.MaxConnections = defaultConnections
	}
	if config.IdleTimeout <= 0 {
		config.IdleTimeout = defaultIdle
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for the outbound proxy: %w", err)
	}
	p := &Proxy{
		config: config, listener: listener,
		served: make(chan struct{}), grants: map[string]*Grant{},
	}
	p.dialer = p.newDialer()
	p.server = &http.Server{
		Handler:           http.HandlerFunc(p.serve),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       config.IdleTimeout,
		MaxHeaderBytes:    maxRequestHeader,
		ErrorLog:          zap.NewStdLog(zap.NewNop()), // of clients that hang up
	}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(netutil.LimitListener(listener, config.MaxConnections)) // ends with Close
	}()
	return p, nil
}

// newDialer adds to the safe dialer that the proxy does not dial itself, whatever the
// operator allows.
func (p *Proxy) newDialer() *net.Dialer {
	dialer := safedial.New(p.config.AllowedPrefixes)
	dialer.Resolver = p.config.Resolver
	check, own := dialer.Control, p.listener.Addr().String()
	dialer.Control = func(network, address string, conn syscall.RawConn) error {
		if address == own {
			return failure.New(failure.Permanent, safedial.CodeNotAllowed, "the address is not public, and the operator has not allowed it")
		}
		return check(network, address, conn)
	}
	return dialer
}

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and all its connections, and waits until it has ended.
func (p *Proxy) Close() error {
	err := p.server.Close()
	<-p.served
	p.mu.Lock()
	grants := make([]*Grant, 0, len(p.grants))
	for _, g := range p.grants {
		grants = append(grants, g)
	}
	p.mu.Unlock()
	for _, g := range grants {
		g.Close()
	}
	return err
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	grant := p.authorise(r)
	if grant == nil {
		w.Header().Set("Proxy-Authenticate", `Basic realm="MINO"`)
		http.Error(w, "Nothing leaves without a grant.", http.StatusProxyAuthRequired)
		return
	}
	host, err := target(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := grant.enter(); err != nil {
		refuse(w, grant.failed(host, err))
		return
	}
	defer grant.leave()
	_, port, _ := net.SplitHostPort(host) // which target has made
	switch {
	case slices.Contains(closedPorts, port):
		refuse(w, grant.failed(host, failure.New(failure.Permanent, CodePort, "port %s is not one of web servers", port)))
	case r.Method == http.MethodConnect:
		grant.tunnel(w, r, host)
	default:
		grant.forward(w, r, host)
	}
}

// closedPorts speak line by line, so that what a page sends could be taken for commands.
var closedPorts = []string{
	"0", "1", "7", "9", "11", "13", "19", "20", "21", "22", "23", "25", "53", "69", "110", "111", "119", "135", "137", "139",
	"143", "161", "179", "389", "445", "465", "512", "513", "514", "515", "587", "636", "873", "993", "995", "2049", "3306",
	"3389", "5432", "5900", "6379", "6667", "7233", "11211", "27017",
}

// target is where a request wants to go, as host:port.
func target(r *http.Request) (string, error) {
	if r.Method == http.MethodConnect {
		host, port, err := net.SplitHostPort(r.Host)
		if err != nil || host == "" || port == "" {
			return "", errors.New("CONNECT needs a host and a port")
		}
		return net.JoinHostPort(strings.ToLower(host), port), nil
	}
	if r.URL.Scheme != "http" || r.URL.Hostname() == "" {
		return "", errors.New("this is a proxy for http and for tunnels")
	}
	return HostPort(r.URL.Scheme, r.URL.Hostname(), r.URL.Port()), nil
}

// HostPort is a host and its port as Grant.Failure knows them; an empty port means that
// of the scheme.
func HostPort(scheme, host, port string) string {
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443"}[scheme]
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}

// refuse answers with a failure's code and message. Neither says what a name resolves to.
func refuse(w http.ResponseWriter, err *failure.Error) {
	status := http.StatusBadGateway
	if err.Class == failure.Permanent {
		status = http.StatusForbidden
	}
	w.Header().Set(Header, err.Code)
	http.Error(w, err.Code, status)
}
