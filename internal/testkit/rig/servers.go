package rig

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkclient "go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/workflows/contract"
)

// Servers are a PostgreSQL and a Temporal of one test's own, which it may kill. They
// keep their ports and their data over a death.
type Servers struct {
	tb       testing.TB
	dir      string
	settings map[string]string
	postgres *devstack.Postgres
	temporal *devstack.Temporal
}

// Quick are settings of PostgreSQL with which a killed server loses nothing, and a
// killed machine all.
func Quick() map[string]string {
	return map[string]string{"fsync": "off", "full_page_writes": "off", "max_connections": "400"}
}

// NewServers starts both, PostgreSQL with the given settings, and stops them at the
// end of the test.
func NewServers(tb testing.TB, settings map[string]string) *Servers {
	tb.Helper()
	dir, err := os.MkdirTemp("", "mino-servers-")
	require.NoError(tb, err)
	require.NoError(tb, os.Chmod(dir, 0o755)) //nolint:gosec // PostgreSQL's user has to pass through
	s := &Servers{tb: tb, dir: dir, settings: settings}
	s.StartPostgres()
	s.StartTemporal()
	tb.Cleanup(func() {
		ctx := context.Background()
		require.NoError(tb, s.temporal.Stop(ctx))
		require.NoError(tb, s.postgres.Remove(ctx))
		require.NoError(tb, os.RemoveAll(dir))
	})
	return s
}

// StartPostgres starts PostgreSQL, after it was killed say.
func (s *Servers) StartPostgres() {
	s.tb.Helper()
	pg, err := devstack.StartPostgres(s.tb.Context(), devstack.PostgresConfig{
		Dir: filepath.Join(s.dir, "postgres"), Settings: s.settings,
	})
	require.NoError(s.tb, err)
	s.postgres = pg
}

// StartTemporal starts Temporal, after it was killed say.
func (s *Servers) StartTemporal() {
	s.tb.Helper()
	binary, err := devstack.FindTemporal(devstack.CheckoutBin())
	require.NoError(s.tb, err)
	temporal, err := devstack.StartTemporal(s.tb.Context(), devstack.TemporalConfig{
		Binary: binary, Dir: filepath.Join(s.dir, "temporal"), Headless: true, SearchAttributes: SearchAttributes(),
	})
	require.NoError(s.tb, err)
	s.temporal = temporal
}

// SearchAttributes are those that a Temporal of MINO's has.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	attributes := map[string]enumspb.IndexedValueType{}
	for _, name := range contract.SearchAttributes() {
		attributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	return attributes
}

// DatabaseURL is where PostgreSQL is.
func (s *Servers) DatabaseURL() string { return s.postgres.URL() }

// TemporalAddress is where Temporal is.
func (s *Servers) TemporalAddress() string { return s.temporal.Address() }

// TemporalClient is a client of a Temporal that may go away, of which it says nothing.
func TemporalClient(tb testing.TB, address string) sdkclient.Client {
	tb.Helper()
	temporal, err := sdkclient.DialContext(tb.Context(), sdkclient.Options{
		HostPort: address, Logger: logging.ForTemporal(zap.NewNop()),
	})
	require.NoError(tb, err)
	tb.Cleanup(temporal.Close)
	return temporal
}

// KillPostgres ends PostgreSQL as a crash does and returns when it is gone.
func (s *Servers) KillPostgres() { s.tb.Helper(); s.end(s.postgres.Kill, s.postgres.Done()) }

// KillTemporal ends Temporal as a crash does and returns when it is gone.
func (s *Servers) KillTemporal() { s.tb.Helper(); s.end(s.temporal.Kill, s.temporal.Done()) }

func (s *Servers) end(kill func() error, done <-chan struct{}) {
	s.tb.Helper()
	require.NoError(s.tb, kill())
	<-done
}

// Unavailable tells whether an error is the API's answer while it cannot serve: 503,
// with a Retry-After.
func Unavailable(err error) bool {
	var refusal *client.Error
	return errors.As(err, &refusal) && refusal.Status == http.StatusServiceUnavailable &&
		refusal.Problem.Code == "UNAVAILABLE" && refusal.RetryAfter > 0
}

// RequireUnavailable waits until the API says that it cannot serve.
func RequireUnavailable(tb testing.TB, ask func() error) {
	tb.Helper()
	require.Eventually(tb, func() bool { return Unavailable(ask()) }, 30*time.Second, 100*time.Millisecond)
}
