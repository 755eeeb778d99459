package shop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// readHeaderTimeout keeps connections that say nothing from staying.
const readHeaderTimeout = 10 * time.Second

// errStarted refuses a second server of one shop.
var errStarted = errors.New("the shop is open already")

// server is the shop on the network.
type server struct {
	http   *http.Server
	ended  chan struct{}
	cancel context.CancelFunc
}

// Start serves the shop on an address, such as "127.0.0.1:0" for a free port, and
// gives its base URL. It serves until Stop, or until ctx ends.
func (s *Shop) Start(ctx context.Context, address string) (baseURL string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return "", errStarted
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("open the shop: %w", err)
	}
	serving, cancel := context.WithCancel(ctx)
	srv := &server{
		http: &http.Server{
			Handler:           s.handler,
			ReadHeaderTimeout: readHeaderTimeout,
			// Slow pages stop waiting when the shop closes.
			BaseContext: func(net.Listener) context.Context { return serving },
		},
		ended:  make(chan struct{}),
		cancel: cancel,
	}
	s.server = srv
	go func() {
		defer close(srv.ended)
		_ = srv.http.Serve(listener) // always ErrServerClosed: nobody else closes the listener
	}()
	context.AfterFunc(serving, func() { _ = srv.http.Close() })
	return "http://" + listener.Addr().String(), nil
}

// Stop closes the shop and waits until it is closed. Stopping twice, or before
// Start, is nothing.
func (s *Shop) Stop() {
	s.mu.Lock()
	srv := s.server
	s.server = nil
	s.mu.Unlock()
	if srv == nil {
		return
	}
	srv.cancel()
	<-srv.ended
}
