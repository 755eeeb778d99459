package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

// streamCount is an api.StreamObserver.
type streamCount struct {
	mu     sync.Mutex
	open   int
	closed map[string]int
}

func (c *streamCount) StreamOpened(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
}

func (c *streamCount) StreamClosed(_, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.closed[reason]++
}

func (c *streamCount) now() (open, dropped int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.closed["too_slow"]
}

// dontRead opens a stream over a socket that takes next to nothing, and reads none of it.
func (b *bundle) dontRead(path string, headers string) net.Conn {
	b.t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4_096)
		})
		return errors.Join(err, failed)
	}}
	host := strings.TrimPrefix(b.url, "http://")
	conn, err := dialer.DialContext(b.t.Context(), "tcp", host)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host, headers)
	require.NoError(b.t, err)
	return conn
}

// TestSlowClients has a thousand clients that do not read beside one that does.
//
//nolint:paralleltest // it measures the heap of the process
func TestSlowClients(t *testing.T) {
	const (
		slow, rounds, perRound = 1_000, 40, 20
		// The server's side of a connection: its reader, a batch, a page.
		bytesEach = 128 << 10
	)
	counted := &streamCount{closed: make(map[string]int)}
	b := setupNews(t, func(c *api.Config) { c.Streams, c.StreamTimeout = counted, 3*time.Second })
	e := b.anExecution()
	padding := strings.Repeat("x", 1_500)
	work := func() time.Duration {
		begun := time.Now()
		for range rounds {
			b.write(e, perRound, padding)
			n, err := b.store.SequenceEvents(t.Context(), e.ID)
			require.NoError(t, err)
			require.Equal(t, perRound, n)
		}
		return time.Since(begun)
	}
	alone := work()
	begin := int64(rounds * perRound)
	query := "?after=" + strconv.FormatInt(begin, 10)

	fast := b.follow(eventsPath(e, query))
	before := heap()
	const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	var first net.Conn
	for i := range slow / 2 {
		conn := b.dontRead(eventsPath(e, query), "")
		b.dontRead(socketPath(e, query), handshake)
		if i == 0 {
			first = conn
		}
	}
	require.Eventually(t, func() bool { open, _ := counted.now(); return open == slow+1 }, time.Minute, tick)

	read := make(chan struct{})
	go func() {
		defer close(read)
		fast.events(begin+1, 2*begin)
	}()
	beside := work()
	highest := heap()
	<-read
	for dropped := 0; dropped < slow; {
		require.Eventually(t, func() bool {
			_, now := counted.now()
			moved := now > dropped
			dropped = now
			return moved
		}, 30*time.Second, tick, "of %d clients %d were dropped", slow, dropped)
		highest = max(highest, heap())
	}
	open, _ := counted.now()
	require.Equal(t, 1, open, "the one that reads is still there")
	grown := int64(highest) - int64(before)
	t.Logf("heap per slow client: %d KiB; writing and numbering: alone %v, beside them %v", grown/slow>>10, alone, beside)
	require.Less(t, grown, int64(slow*bytesEach+16<<20))

	// One comes back with the last number that reached it.
	last := lastWhole(t, first)
	require.Greater(t, last, begin)
	require.Less(t, last, 2*begin)
	b.follow(eventsPath(e, ""), "Last-Event-ID", strconv.FormatInt(last, 10)).events(last+1, 2*begin)
	b.finish(e)
	fast.events(2*begin+1, 2*begin+1)
	fast.over(wire.MessageEnd, wire.EndFinished)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// lastWhole reads what a connection still has, and gives the number of the last event
// that arrived whole.
func lastWhole(t *testing.T, conn net.Conn) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	context.AfterFunc(ctx, func() { conn.Close() })
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	s := &sseStream{t: t, resp: resp, lines: bufio.NewReader(resp.Body)}
	var last int64
	for {
		got, err := s.read()
		if err != nil {
			return last
		}
		if got.id != "" {
			last, err = strconv.ParseInt(got.id, 10, 64)
			require.NoError(t, err)
		}
	}
}
