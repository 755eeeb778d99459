package devstack

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"
)

func TestPostgres(t *testing.T) {
	t.Parallel()

	t.Run("RestartKeepsDataPasswordAndPort", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startPostgres(t, dir)
		execute(t, first, "CREATE TABLE kept ()")
		require.NoError(t, first.Stop(t.Context()))

		second := startPostgres(t, dir)
		require.Equal(t, first.URL(), second.URL())
		execute(t, second, "SELECT FROM kept")
		require.NoError(t, second.Stop(t.Context()))

		listenOn(t, first.Port())
		third := startPostgres(t, dir)
		require.NotEqual(t, first.Port(), third.Port(), "its own was taken")
	})

	t.Run("IsDurableUnlessToldOtherwise", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		setting := func(pg *Postgres, name string) (value string) {
			require.NoError(t, connect(t, pg).QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value))
			return value
		}
		first := startPostgres(t, dir)
		require.Equal(t, "off", setting(first, "fsync"))
		require.NoError(t, first.Stop(t.Context()))

		second := startPostgres(t, dir, func(c *PostgresConfig) { c.Settings = nil })
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			require.Equal(t, "on", setting(second, name), name)
		}
	})

	t.Run("StopTwiceIsNothing", func(t *testing.T) {
		t.Parallel()
		pg := startPostgres(t, openDir(t))
		connect(t, pg) // an open connection does not hold up the shutdown
		require.NoError(t, pg.Stop(t.Context()))
		requireEnded(t, pg.Done())
		require.NoError(t, pg.Stop(t.Context()))
		require.NoError(t, pg.Kill())
		require.NoError(t, pg.Err())
		require.False(t, alive(pg.Pid()))
	})

	t.Run("IsForThisProcessAndThoseWithThePassword", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		pg := startPostgres(t, dir)
		var addresses, sockets string
		row := connect(t, pg).QueryRow(t.Context(),
			"SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')")
		require.NoError(t, row.Scan(&addresses, &sockets))
		require.Equal(t, "127.0.0.1", addresses)
		require.Empty(t, sockets)

		wrong := *pg
		wrong.state.Password = "wrong"
		err := ensureDatabase(t.Context(), wrong.URL(), "any")
		require.ErrorContains(t, err, "28P01") // invalid_password

		var folds bool
		require.NoError(t, connect(t, pg).QueryRow(t.Context(), "SELECT 'É' ILIKE 'é'").Scan(&folds))
		require.True(t, folds, "case is folded beyond ASCII")

		_, err = StartPostgres(startContext(t), PostgresConfig{Dir: dir})
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, strconv.Itoa(os.Getpid()))

		info, err := os.Stat(filepath.Join(dir, "postgres.json"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	})

	t.Run("RefusesATakenPortThatWasAskedFor", func(t *testing.T) {
		t.Parallel()
		port := listenOn(t, 0)
		_, err := StartPostgres(startContext(t), PostgresConfig{Dir: openDir(t), Port: port, Settings: fast()})
		require.ErrorIs(t, err, errPortTaken)
		require.ErrorContains(t, err, strconv.Itoa(port))
	})

	t.Run("GivesUpAfterSomePortsThatOthersWereFasterToTake", func(t *testing.T) {
		t.Parallel()
		dir, taken := openDir(t), strconv.Itoa(listenOn(t, 0))
		_, err := StartPostgres(startContext(t), PostgresConfig{
			// It binds another port than the one that was found free for it.
			Dir: dir, Settings: map[string]string{"fsync": "off", "port": taken},
		})
		require.ErrorIs(t, err, errPortTaken)
		log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
		require.NoError(t, err)
		require.Equal(t, portTries, strings.Count(string(log), "could not bind"))
	})

	t.Run("ShowsTheLogWhenItDoesNotStart", func(t *testing.T) {
		t.Parallel()
		_, err := StartPostgres(startContext(t), PostgresConfig{Dir: openDir(t), Settings: map[string]string{"no_such_setting": "1"}})
		require.ErrorContains(t, err, `unrecognized configuration parameter "no_such_setting"`)
	})

	t.Run("StopsWhenTheStartIsCancelled", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		ctx, cancel := context.WithCancel(t.Context())
		inTheMiddle := zaptest.NewLogger(t, zaptest.WrapOptions(zap.Hooks(func(e zapcore.Entry) error {
			if strings.HasPrefix(e.Message, "preparing") {
				cancel()
			}
			return nil
		})))
		_, err := StartPostgres(ctx, PostgresConfig{Dir: dir, Settings: fast(), Logger: inTheMiddle})
		require.ErrorIs(t, err, context.Canceled)
		pids, err := processesWithArg(t.Context(), filepath.Join(dir, "data"))
		require.NoError(t, err)
		require.Empty(t, pids)
		startPostgres(t, dir) // and what was begun is no obstacle
	})

	t.Run("OutlivesTheThreadThatStartedIt", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		started := make(chan *Postgres)
		go func() {
			runtime.LockOSThread() // with no unlock, the thread ends with this function
			pg, err := StartPostgres(context.Background(), PostgresConfig{Dir: dir, Settings: fast()})
			if err != nil {
				t.Error(err)
			}
			started <- pg
		}()
		pg := <-started
		require.NotNil(t, pg)
		t.Cleanup(func() { require.NoError(t, pg.Stop(context.Background())) })
		execute(t, pg, "SELECT")
		requireRunning(t, pg.Done())
	})
}

func TestPostgresAfterACrash(t *testing.T) {
	t.Parallel()

	t.Run("KilledServerComesBackWithItsData", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startPostgres(t, dir)
		execute(t, first, "CREATE TABLE kept ()")
		require.NoError(t, first.Kill())
		require.NoError(t, first.Err())
		execute(t, startPostgres(t, dir), "SELECT FROM kept")
	})

	t.Run("DeathIsNoticedAndExplained", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startPostgres(t, dir)
		execute(t, first, "CREATE TABLE kept ()") // and the connection stays open
		require.NoError(t, syscall.Kill(first.Pid(), syscall.SIGKILL))
		requireEnded(t, first.Done())
		require.ErrorContains(t, first.Err(), "PostgreSQL ended by itself (signal: killed)")
		require.ErrorContains(t, first.Err(), "database system is ready to accept connections")
		require.NoError(t, first.Stop(t.Context()))

		// Its backends may still hold the shared memory at this moment.
		execute(t, startPostgres(t, dir), "SELECT FROM kept")
	})

	t.Run("LockFileWithARecycledProcessIDIsRemoved", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startPostgres(t, dir)
		lockFile := filepath.Join(first.DataDir(), "postmaster.pid")
		stale, err := os.ReadFile(lockFile)
		require.NoError(t, err)
		require.NoError(t, first.Stop(t.Context()))

		// A process of the same user, so PostgreSQL by itself would believe the file.
		other := exec.CommandContext(t.Context(), "sleep", "600")
		other.SysProcAttr = &syscall.SysProcAttr{Credential: first.place.account.credential()}
		require.NoError(t, other.Start())
		t.Cleanup(func() { _ = other.Wait() }) // killed with the test's context
		_, rest, _ := strings.Cut(string(stale), "\n")
		require.NoError(t, os.WriteFile(lockFile, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600))
		require.NoError(t, first.place.account.own(lockFile))

		execute(t, startPostgres(t, dir), "SELECT")
		require.True(t, alive(other.Process.Pid), "the innocent process must live")
	})

	t.Run("OrphanOnTheDataIsStopped", func(t *testing.T) {
		t.Parallel()
		for name, arg := range map[string]string{"ByItsArgument": "", "ByItsWorkingDirectory": "."} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if arg == "." && runtime.GOOS != "linux" {
					t.Skip("the working directory of a process is known on Linux only")
				}
				dir := openDir(t)
				first := startPostgres(t, dir)
				require.NoError(t, first.Stop(t.Context()))
				orphan := startOrphan(t, first, arg)
				execute(t, startPostgres(t, dir), "SELECT")
				require.False(t, alive(orphan))
			})
		}
	})

	t.Run("HalfMadeDataIsMadeAnew", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		draft := place{root: dir}.draft()
		require.NoError(t, os.Mkdir(draft, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(draft, "PG_VERSION"), []byte("15\n"), 0o600))
		execute(t, startPostgres(t, dir), "SELECT")
	})

	t.Run("DataWithoutItsPasswordIsNotTouched", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startPostgres(t, dir)
		require.NoError(t, first.Stop(t.Context()))
		require.NoError(t, os.Remove(filepath.Join(dir, "postgres.json")))
		_, err := StartPostgres(startContext(t), PostgresConfig{Dir: dir})
		require.ErrorContains(t, err, "remove the directory to start anew")
		require.DirExists(t, first.DataDir())
	})
}

// startOrphan runs a server on the same data that nobody watches, and returns when it
// is ready.
func startOrphan(t *testing.T, pg *Postgres, dataArg string) int {
	t.Helper()
	data := pg.DataDir()
	if dataArg == "" {
		dataArg = data
	}
	found, err := findPostgres(t.Context(), majorOf(data))
	require.NoError(t, err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), found.postgres(), "-D", dataArg,
		"-p", strconv.Itoa(pg.Port()), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	cmd.Dir = data
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: pg.place.account.credential()}
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	start := postgresStart{place: pg.place}
	require.NoError(t, poll(startContext(t), readyTime, func() bool { return start.ready(cmd.Process.Pid) }))
	return cmd.Process.Pid
}

// listenOn occupies a port, any for 0, until the test ends.
func listenOn(t *testing.T, port int) int {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", address(port))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	tcp, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return tcp.Port
}
