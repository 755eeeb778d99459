package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
)

// parentVariable makes this test binary act as a program that starts the servers in
// the directory it names, says which processes they are, and then does nothing more.
const parentVariable = "MINO_DEVSTACK_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := actAsParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {} // until killed
	}
	os.Exit(m.Run())
}

// children is what the parent prints.
type children struct {
	Postgres, Temporal int
}

func actAsParent(dir string) error {
	ctx := context.Background()
	pg, err := StartPostgres(ctx, PostgresConfig{Dir: filepath.Join(dir, "postgres"), Settings: fast()})
	if err != nil {
		return err
	}
	cli, err := FindTemporal(CheckoutBin())
	if err != nil {
		return err
	}
	temporal, err := StartTemporal(ctx, TemporalConfig{Binary: cli, Dir: filepath.Join(dir, "temporal")})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(children{Postgres: pg.Pid(), Temporal: temporal.Pid()})
}

// fast survives a killed server, as everything does that was handed to the kernel, but
// not a killed machine.
func fast() map[string]string {
	return map[string]string{"fsync": "off", "full_page_writes": "off"}
}

// openDir makes a directory that every user can reach, unlike those of t.TempDir. Its
// name has what paths should not have.
func openDir(t *testing.T) string {
	t.Helper()
	// Those of t.TempDir are closed to others.
	top, err := os.MkdirTemp("", "mino-devstack-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(top)) })
	require.NoError(t, os.Chmod(top, 0o755))
	dir := filepath.Join(top, "it's 100%41 a #strange? näme")
	require.NoError(t, os.Mkdir(dir, 0o755))
	return dir
}

func startContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startPostgres starts a server on dir and stops it when the test ends.
func startPostgres(t *testing.T, dir string, change ...func(*PostgresConfig)) *Postgres {
	t.Helper()
	cfg := PostgresConfig{Dir: dir, Settings: fast(), Logger: zaptest.NewLogger(t)}
	for _, f := range change {
		f(&cfg)
	}
	pg, err := StartPostgres(startContext(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pg.Stop(context.Background())) })
	return pg
}

func startTemporal(t *testing.T, dir string, change ...func(*TemporalConfig)) *Temporal {
	t.Helper()
	cfg := TemporalConfig{Binary: temporalCLI(t), Dir: dir, Headless: true, Logger: zaptest.NewLogger(t)}
	for _, f := range change {
		f(&cfg)
	}
	temporal, err := StartTemporal(startContext(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, temporal.Kill()) })
	return temporal
}

func temporalCLI(t *testing.T) string {
	t.Helper()
	path, err := FindTemporal(CheckoutBin())
	require.NoError(t, err)
	return path
}

func connect(t *testing.T, pg *Postgres) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may be gone
	return conn
}

func execute(t *testing.T, pg *Postgres, query string) {
	t.Helper()
	_, err := connect(t, pg).Exec(t.Context(), query)
	require.NoError(t, err)
}

// requireFound waits until a process shows that was started with an argument.
func requireFound(t *testing.T, arg string) {
	t.Helper()
	require.Eventually(t, func() bool {
		pids, err := processesWithArg(t.Context(), arg)
		return err == nil && len(pids) > 0
	}, 30*time.Second, 10*time.Millisecond)
}

func requireEnded(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.Fail(t, "the server did not end")
	}
}

func requireRunning(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
		require.Fail(t, "the server has ended")
	default:
	}
}
