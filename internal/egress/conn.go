package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

var errBudget = errors.New("the job has moved all the bytes that it may")

// countedConn is a connection to a server, which counts, keeps to the grant's budget, and
// ends when nothing moves.
type countedConn struct {
	net.Conn
	grant *Grant
	idle  time.Duration
}

func (c *countedConn) Read(b []byte) (int, error) {
	c.touch()
	n, err := c.Conn.Read(b)
	return n, c.count(n, err)
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.touch()
	n, err := c.Conn.Write(b)
	return n, c.count(n, err)
}

// touch moves the deadline of both directions: one of them may be silent for long.
func (c *countedConn) touch() { _ = c.SetDeadline(time.Now().Add(c.idle)) } // fails when closed, as the read will

func (c *countedConn) count(n int, err error) error {
	c.grant.bytes.Add(int64(n))
	if err == nil && c.grant.Exhausted() {
		return errBudget
	}
	return err
}

func (c *countedConn) Close() error {
	c.grant.mu.Lock()
	delete(c.grant.conns, c)
	c.grant.mu.Unlock()
	return c.Conn.Close()
}

// tunnel connects a client that has sent CONNECT with a server.
func (g *Grant) tunnel(w http.ResponseWriter, r *http.Request, host string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	server, err := g.dial(ctx, "tcp", host)
	if err != nil {
		refuse(w, g.failed(host, err))
		return
	}
	defer func() { _ = server.Close() }() // closing twice is what ends both copies
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no tunnels over this protocol", http.StatusHTTPVersionNotSupported)
		return
	}
	client, buffered, err := hijacker.Hijack()
	if err != nil {
		return // the client has hung up
	}
	defer func() { _ = client.Close() }() // as above
	// The server's timeouts were for the request that has been read.
	if client.SetDeadline(time.Time{}) != nil {
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(server, buffered) // an end of either side ends both
		_ = server.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	both.Wait()
}

func (g *Grant) newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // another proxy would dial in place of this one
		DialContext:            g.dial,
		DisableCompression:     true, // what comes is handed on as it is
		IdleConnTimeout:        g.proxy.config.IdleTimeout,
		MaxConnsPerHost:        32,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
}

type hostKey struct{}

// newReverseProxy hands plain requests on. It leaves out the headers of a connection,
// Proxy-Authorization among them.
func (g *Grant) newReverseProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:     g.web,
		FlushInterval: -1,
		ErrorLog:      g.proxy.server.ErrorLog,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL, r.Out.Host = r.In.URL, r.In.URL.Host
			// As the browser wrote it: the library drops parameters that it cannot read.
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			if _, named := r.Out.Header["User-Agent"]; !named {
				r.Out.Header["User-Agent"] = nil // or the library would name itself
			}
		},
		ModifyResponse: func(answer *http.Response) error {
			answer.Header.Del(Header)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			host, _ := r.Context().Value(hostKey{}).(string)
			refuse(w, g.failed(host, err))
		},
	}
}

// forward hands a plain request on.
func (g *Grant) forward(w http.ResponseWriter, r *http.Request, host string) {
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), hostKey{}, host))
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	g.reverse.ServeHTTP(w, r.WithContext(ctx))
}
