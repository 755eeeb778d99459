package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

// siteHost is where the sites of these tests are, and the only address that is allowed.
// What stands on 127.0.0.1 is out of bounds.
const siteHost = "127.0.0.2"

// patience is for a machine that does much else.
const patience = 3 * time.Minute

// shared is the executor of all tests that do not break it. Jobs keep apart by
// themselves, which is part of what is tested.
var shared = sync.OnceValue(func() *Executor { return New(config()) })

// few keeps those that start browsers of their own from filling the machine.
var few = make(chan struct{}, 1)

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		actAsParent()
	}
	if err := shared().Available(); err != nil {
		fmt.Fprintln(os.Stderr, "NO BROWSER: what needs one is not tested:", err)
	}
	code := m.Run()
	shared().Close()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func config() Config {
	return Config{
		AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix(siteHost + "/32")},
		egress:          egress.Config{Resolver: resolver()},
	}
}

// needChromium skips the test where there is none, and says so.
func needChromium(t *testing.T) {
	t.Helper()
	if err := shared().Available(); err != nil {
		t.Skipf("NO BROWSER, NOT TESTED: %v", err)
	}
}

// own gives an executor of one browser that the test may break.
func own(t *testing.T, change ...func(*Config)) *Executor {
	t.Helper()
	needChromium(t)
	few <- struct{}{}
	c := config()
	c.Browsers = 1
	for _, f := range change {
		f(&c)
	}
	e := New(c)
	t.Cleanup(func() {
		e.Close()
		<-few
	})
	return e
}

// serve serves on the allowed address.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	return serveOn(t, siteHost, handler, (*httptest.Server).Start)
}

func serveOn(t *testing.T, host string, handler http.HandlerFunc, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skipf("this machine has no address %s: %v", host, err)
	}
	server := httptest.NewUnstartedServer(handler)
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	start(server)
	t.Cleanup(server.Close)
	return server
}

// pages serves HTML by path.
func pages(t *testing.T, byPath map[string]string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		page, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	})
}

var productFields = []field.Field{{Name: "name"}, {Name: "price", Type: field.TypeMoney}}

const lamp = `<!doctype html><title>Blue Lamp | Shop</title><h1 class="name">Blue Lamp</h1><p class="price">19.50 EUR</p>`

func request(url, settings string) executors.Request {
	return executors.Request{
		URL: url, Fields: productFields, Settings: json.RawMessage(settings), Attempt: 1,
		Heartbeat:  func(string) {},
		Announce:   func(context.Context, string) error { return nil },
		Checkpoint: func(context.Context, string) error { return nil },
	}
}

func execute(t *testing.T, e *Executor, req executors.Request) (executors.Outcome, error) {
	t.Helper()
	needChromium(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return e.Execute(ctx, req)
}

// found is a field as it is shown.
func found(t *testing.T, outcome executors.Outcome, name string) string {
	t.Helper()
	return fmt.Sprint(outcome.Fields[name])
}

func requireFailure(t *testing.T, err error, class failure.Class, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, failure.Classify(err).Code, "%v", err)
	require.Equal(t, class, failure.Classify(err).Class, "%v", err)
}

// resolver knows site.test, which is the allowed address, canary.test, which is not, and
// rebound.test, which is the one at first and the other from then on. No other name
// exists.
var resolver = sync.OnceValue(func() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go answerNames(theirs)
		return ours, nil
	}}
})

var (
	rebounds   = map[string]int{}
	reboundsMu sync.Mutex
)

// answerNames speaks DNS as over TCP, which is what a pipe looks like.
func answerNames(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	buf := make([]byte, 1500)
	for {
		if _, err := io.ReadFull(conn, buf[:2]); err != nil {
			return
		}
		n := int(buf[0])<<8 | int(buf[1])
		if _, err := io.ReadFull(conn, buf[:n]); err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buf[:n]) != nil || len(query.Questions) != 1 {
			return
		}
		packed, err := answerTo(query).AppendPack([]byte{0, 0})
		if err != nil {
			return
		}
		packed[0], packed[1] = byte((len(packed)-2)>>8), byte(len(packed)-2)
		if _, err := conn.Write(packed); err != nil {
			return
		}
	}
}

func answerTo(query dnsmessage.Message) *dnsmessage.Message {
	question := query.Questions[0]
	answer := &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: query.Questions,
	}
	address := [4]byte{127, 0, 0, 2}
	switch name := question.Name.String(); name {
	case "site.test.":
	case "canary.test.":
		address[3] = 1
	case "rebound.test.":
		if question.Type != dnsmessage.TypeA {
			break
		}
		reboundsMu.Lock()
		rebounds[name]++
		if rebounds[name] > 1 {
			address[3] = 1
		}
		reboundsMu.Unlock()
	default:
		answer.RCode = dnsmessage.RCodeNameError
		return answer
	}
	if question.Type == dnsmessage.TypeA {
		answer.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: address},
		}}
	}
	return answer
}
