package rig

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Direction is a way through a proxy.
type Direction int

// The directions.
const (
	Requests Direction = iota // from the client to the server
	Answers                   // from the server to the client
)

// Proxy is a TCP line between clients and a server. It can be held, so that bytes wait
// as they do when packets are lost, delayed, and broken.
type Proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	delay  time.Duration
	gates  [2]chan struct{} // closed while bytes may pass
}

// chunk is bytes under way, and when they may arrive.
type chunk struct {
	data []byte
	due  time.Time
}

// NewProxy starts a line to a server; it ends with the test.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	require.NoError(tb, err)
	open := make(chan struct{})
	close(open)
	p := &Proxy{target: target, listener: listener, conns: map[net.Conn]struct{}{}, gates: [2]chan struct{}{open, open}}
	p.running.Go(p.accept)
	tb.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		_ = listener.Close() // there is nothing to do about it
		p.Pass()
		p.Break()
		p.running.Wait()
	})
	return p
}

// Address is where clients connect to.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Hold lets nothing through in the given directions until Pass. Connections stay, and
// new ones are accepted.
func (p *Proxy) Hold(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		select {
		case <-p.gates[d]:
			p.gates[d] = make(chan struct{})
		default: // held already
		}
	}
}

// Pass lets everything through, what was held too.
func (p *Proxy) Pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, gate := range p.gates {
		select {
		case <-gate:
		default:
			close(gate)
		}
	}
}

// Delay has bytes take that much longer, in each direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Break closes every connection.
func (p *Proxy) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close() // whoever uses it finds out
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		p.running.Go(func() { p.serve(conn) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.DialTimeout("tcp", p.target, startTime) //nolint:noctx // bounded
	if err != nil {
		_ = client.Close() // as if the server had refused it
		return
	}
	if !p.add(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(Requests, server, client) })
	both.Go(func() { p.pass(Answers, client, server) })
	both.Wait()
	p.remove(client, server)
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.closed {
			_ = conn.Close() // the test is over
			continue
		}
		p.conns[conn] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) remove(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// pass takes bytes one way. What is read waits for its time and for the gate without
// keeping more from being read. An end of one direction is the end of both.
func (p *Proxy) pass(d Direction, to, from net.Conn) {
	const ahead = 1024
	line := make(chan chunk, ahead)
	var writing sync.WaitGroup
	writing.Go(func() {
		for c := range line {
			timer := time.NewTimer(time.Until(c.due))
			<-timer.C
			p.mu.Lock()
			gate := p.gates[d]
			p.mu.Unlock()
			<-gate
			_, _ = to.Write(c.data) // a closed connection ends the reading too
		}
		_ = errors.Join(to.Close(), from.Close())
	})
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		if n > 0 {
			p.mu.Lock()
			due := time.Now().Add(p.delay)
			p.mu.Unlock()
			line <- chunk{data: data[:n], due: due}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				_ = to.Close() // broken: what is under way is lost
			}
			close(line)
			writing.Wait()
			return
		}
	}
}
