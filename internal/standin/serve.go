package standin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// readHeaderTimeout keeps connections that say nothing from staying.
const readHeaderTimeout = 10 * time.Second

// Listening is a stand-in on the network. Stop ends all of it, Close only what waits.
type Listening struct {
	*Server

	address string
	http    *http.Server
	ended   chan struct{}
	stop    sync.Once
}

// Serve starts a stand-in on an address, such as "127.0.0.1:0" for a free port. It
// serves until Stop, or until ctx ends.
func Serve(ctx context.Context, address string, cfg Config) (*Listening, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the stand-in of the web-agent API: %w", err)
	}
	l := &Listening{Server: New(cfg), address: listener.Addr().String(), ended: make(chan struct{})}
	l.http = &http.Server{Handler: l.Server, ReadHeaderTimeout: readHeaderTimeout}
	go func() {
		defer close(l.ended)
		_ = l.http.Serve(listener) // always ErrServerClosed: nobody else closes the listener
	}()
	unhook := context.AfterFunc(ctx, l.close)
	go func() {
		<-l.ended
		unhook()
	}()
	return l, nil
}

// URL is the base URL of the API.
func (l *Listening) URL() string { return "http://" + l.address }

// Stop ends it and waits until it has ended. Stopping twice is nothing.
func (l *Listening) Stop() {
	l.close()
	<-l.ended
}

func (l *Listening) close() {
	l.stop.Do(func() {
		l.Close()
		_ = l.http.Close() // the connections are being broken off on purpose
	})
}
