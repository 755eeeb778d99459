package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/workflows/contract"
)

// TemporalAddressVariable names a Temporal server to use instead of an own one.
const TemporalAddressVariable = "MINO_TEST_TEMPORAL_ADDRESS"

// DefaultNamespace is the one that tests share; what they do there is kept apart by
// task queues and workflow ids.
const DefaultNamespace = "default"

// TemporalServer is a Temporal server that the tests of a binary share. It has MINO's
// search attributes.
type TemporalServer struct{ address string }

var theTemporal = sync.OnceValues(startTemporal)

// Temporal returns the server, which is started when first asked for.
func Temporal(tb testing.TB) *TemporalServer {
	tb.Helper()
	server, err := theTemporal()
	require.NoError(tb, err)
	return server
}

// Address returns host and port.
func (s *TemporalServer) Address() string { return s.address }

// Client returns a client for the shared namespace, which is closed when the test ends.
func (s *TemporalServer) Client(tb testing.TB) client.Client {
	tb.Helper()
	return s.ClientOf(tb, DefaultNamespace)
}

// ClientOf returns a client for a namespace, which is closed when the test ends.
func (s *TemporalServer) ClientOf(tb testing.TB, namespace string) client.Client {
	tb.Helper()
	temporal, err := client.DialContext(tb.Context(), client.Options{
		HostPort: s.address, Namespace: namespace, Logger: logging.ForTemporal(Logger(tb)),
	})
	require.NoError(tb, err)
	tb.Cleanup(temporal.Close)
	return temporal
}

// Namespace registers a namespace of the test's own, with MINO's search attributes:
// for tests that list or count runs. It takes up to a second, so others share the
// default one. A namespace is not removed; a server of our own forgets it.
func (s *TemporalServer) Namespace(tb testing.TB) string {
	tb.Helper()
	name := unique("test")
	temporal := s.ClientOf(tb, name)
	require.NoError(tb, devstack.EnsureNamespace(tb.Context(), temporal, name))
	require.NoError(tb, devstack.EnsureSearchAttributes(tb.Context(), temporal, name, searchAttributes()))
	return name
}

// TaskQueue returns the name of a task queue that no other test uses.
func TaskQueue(tb testing.TB) string {
	tb.Helper()
	return unique(tb.Name())
}

// WorkerOptions are for a worker that a test runs beside MINO's own. The SDK gives workflow
// code a second, and when a busy machine takes longer it clears what that code still uses,
// which the race detector reports.
func WorkerOptions() sdkworker.Options {
	return sdkworker.Options{DeadlockDetectionTimeout: time.Minute}
}

func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:10]) }

func startTemporal() (*TemporalServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if address := os.Getenv(TemporalAddressVariable); address != "" {
		return &TemporalServer{address: address}, registerIn(ctx, address)
	}
	binary, err := devstack.FindTemporal(devstack.CheckoutBin())
	if err != nil {
		return nil, err
	}
	dir, err := subdirectory("temporal")
	if err != nil {
		return nil, err
	}
	started, err := devstack.StartTemporal(ctx, devstack.TemporalConfig{
		Binary: binary, Dir: dir, InMemory: true, Headless: true,
		Namespace: DefaultNamespace, SearchAttributes: searchAttributes(),
	})
	if err != nil {
		return nil, err
	}
	running.add(started.Stop)
	return &TemporalServer{address: started.Address()}, nil
}

func registerIn(ctx context.Context, address string) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: DefaultNamespace})
	if err != nil {
		return fmt.Errorf("connect to %s at %s: %w", TemporalAddressVariable, address, err)
	}
	defer temporal.Close()
	return devstack.EnsureSearchAttributes(ctx, temporal, DefaultNamespace, searchAttributes())
}

func searchAttributes() map[string]enums.IndexedValueType {
	all := make(map[string]enums.IndexedValueType)
	for _, name := range contract.SearchAttributes() {
		all[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	return all
}
