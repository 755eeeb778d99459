package fetch_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

var loopback = netip.MustParsePrefix("127.0.0.0/8")

const productPage = `<!doctype html><html><head><title>Blue Lamp | Shop</title>
<script type="application/ld+json">{"@type":"Product","name":"Blue Lamp","sku":"BL-1",
"offers":{"@type":"Offer","price":"19.50","priceCurrency":"EUR","availability":"https://schema.org/InStock"}}</script>
</head><body><h1>Blue Lamp</h1></body></html>`

var productFields = []field.Field{
	{Name: "name", Type: field.TypeText},
	{Name: "price", Type: field.TypeMoney},
}

// beats collects heartbeats.
type beats struct {
	mu       sync.Mutex
	progress []string
	came     chan struct{} // a value per heartbeat, as far as it has room
}

func newBeats() *beats { return &beats{came: make(chan struct{}, 100)} }

func (b *beats) beat(progress string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.progress = append(b.progress, progress)
	select {
	case b.came <- struct{}{}:
	default:
	}
}

func (b *beats) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.progress...)
}

func newExecutor(t *testing.T, change ...func(*fetch.Config)) *fetch.Executor {
	t.Helper()
	config := fetch.Config{AllowedPrefixes: []netip.Prefix{loopback}}
	for _, f := range change {
		f(&config)
	}
	executor := fetch.New(config)
	t.Cleanup(executor.Close)
	return executor
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// answer serves one body with headers given as name, value, name, value …
func answer(t *testing.T, status int, body []byte, headers ...string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write(body) // a client may hang up on purpose
	})
}

func request(url, settings string, fields ...field.Field) executors.Request {
	if fields == nil {
		fields = productFields
	}
	return executors.Request{
		URL: url, Fields: fields, Settings: json.RawMessage(settings), Attempt: 1,
		Heartbeat:  func(string) {},
		Checkpoint: func(context.Context, string) error { return nil },
	}
}

func execute(t *testing.T, e *fetch.Executor, req executors.Request) (executors.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return e.Execute(ctx, req)
}

func requireFailure(t *testing.T, err error, class failure.Class, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, failure.Classify(err).Code, "%v", err)
	require.Equal(t, class, failure.Classify(err).Class, "%v", err)
}

func asJSON(fields map[string]any) map[string]any {
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}
