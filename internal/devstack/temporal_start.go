package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// temporalFile is the database file's name in the directory. It is given to the server
// as it is, relative to its working directory, because the path becomes part of an
// address there and a "?" or "%" in it would be read as syntax.
const temporalFile = "temporal.db"

// temporalStart is one call of StartTemporal.
type temporalStart struct {
	TemporalConfig
	log   *logFile
	state temporalState
}

func (s *temporalStart) run(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if _, err := loadState(s.statePath(), &s.state); err != nil {
		return nil, err
	}
	if err := stopOrphans(ctx, s.Logger, s.mark(), syscall.SIGTERM); err != nil {
		return nil, err
	}
	for tries := 1; ; tries++ {
		proc, err := s.attempt(ctx)
		switch {
		case err == nil:
			s.state.Complete = true
			return proc, keepState(proc, s.statePath(), s.state, !s.InMemory)
		case ctx.Err() != nil || tries == portTries:
			return nil, s.log.withTail(err)
		case errors.Is(err, errPortTaken) && s.Port == 0 && (s.UIPort == 0 || s.Headless):
			s.state.Port, s.state.UIPort = 0, 0
		case !errors.Is(err, errPortTaken) && s.putAside():
		default:
			return nil, s.log.withTail(err)
		}
	}
}

func (s *temporalStart) statePath() string { return filepath.Join(s.Dir, "temporal.json") }

// mark is an argument by which the server can be found among all processes. It names a
// file of client settings, which the server does not need and which is not there.
func (s *temporalStart) mark() string { return filepath.Join(s.Dir, "cli.yaml") }

// putAside moves away a database file that no start has ever succeeded with: the server
// writes the schema into a new file only, so half of one stays half. It returns false
// when that is not what the failure can be.
func (s *temporalStart) putAside() bool {
	path := filepath.Join(s.Dir, temporalFile)
	if _, err := os.Stat(path); err != nil || s.InMemory || s.state.Complete {
		return false
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		err := os.Rename(path+suffix, path+suffix+".incomplete")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	s.Logger.Warn("put aside the database file of an interrupted first start", zap.String("file", path))
	return true
}

// attempt starts the server on its ports and waits until it answers.
func (s *temporalStart) attempt(ctx context.Context) (_ *process, err error) {
	if err := s.choosePorts(ctx); err != nil {
		return nil, err
	}
	args, err := s.arguments()
	if err != nil {
		return nil, err
	}
	from := s.log.size()
	banner := newFirstWrite(s.log.file)
	proc, err := startProcess(ctx, program{
		path: s.Binary, args: args, env: s.environment(), dir: s.Dir,
		stdout: banner, stderr: s.log.file, onParentDeath: syscall.SIGKILL,
	})
	if err != nil {
		return nil, err
	}
	err = s.awaitReady(ctx, proc, banner)
	if err == nil {
		return proc, nil
	}
	ended := proc.ended()
	err = errors.Join(err, proc.abandon(syscall.SIGTERM))
	if ended && strings.Contains(s.log.since(from), "address already in use") {
		err = errors.Join(errPortTaken, err)
	}
	return nil, err
}

func (s *temporalStart) choosePorts(ctx context.Context) (err error) {
	if s.state.Port, err = choosePort(ctx, s.Port, s.state.Port); err != nil {
		return err
	}
	if s.Headless {
		s.state.UIPort = 0
		return nil
	}
	if s.state.UIPort, err = choosePort(ctx, s.UIPort, s.state.UIPort); err != nil {
		return fmt.Errorf("for the Web UI: %w", err)
	}
	return nil
}

func (s *temporalStart) arguments() ([]string, error) {
	args := []string{
		"server", "start-dev", "--env-file", s.mark(), "--color", "never",
		"--ip", loopback, "--port", strconv.Itoa(s.state.Port),
	}
	if s.Headless {
		args = append(args, "--headless")
	} else {
		args = append(args, "--ui-port", strconv.Itoa(s.state.UIPort))
	}
	if !s.InMemory {
		args = append(args, "--db-filename", temporalFile)
		// With a write-ahead log that is synced at checkpoints only, the server is several
		// times as fast as with a sync at each commit, about as fast as in memory. A killed
		// server loses nothing; a killed machine may lose the last moments.
		args = append(args, "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal")
	}
	for _, key := range slices.Sorted(maps.Keys(s.DynamicConfig)) {
		value, err := json.Marshal(s.DynamicConfig[key])
		if err != nil {
			return nil, fmt.Errorf("dynamic configuration %s: %w", key, err)
		}
		args = append(args, "--dynamic-config-value", fmt.Sprintf("%s=%s", key, value))
	}
	return args, nil
}

// environment keeps the CLI from reading and writing the user's own settings.
func (s *temporalStart) environment() []string {
	drop := func(name string) bool {
		return strings.HasPrefix(name, "TEMPORAL_") || name == "HOME" || name == "XDG_CONFIG_HOME"
	}
	return environment(drop, "HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir)
}

// awaitReady waits for the server's first output, which it writes when it has started,
// and then for its ports. The order matters: another server could answer on our port,
// but then ours ends without a word on its standard output.
func (s *temporalStart) awaitReady(ctx context.Context, proc *process, banner *firstWrite) error {
	select {
	case <-banner.happened:
	case <-proc.done:
	case <-ctx.Done():
		return fmt.Errorf("wait until it is ready: %w", context.Cause(ctx))
	}
	ports := []int{s.state.Port}
	if !s.Headless {
		ports = append(ports, s.state.UIPort)
	}
	ready := func() bool { return proc.ended() || answers(ctx, ports) }
	if err := poll(ctx, readyTime, ready); err != nil {
		return fmt.Errorf("wait until it is ready: %w", err)
	}
	if proc.ended() {
		return fmt.Errorf("it ended at once (%s)", proc.cmd.ProcessState)
	}
	return nil
}

// answers tells whether all ports take connections.
func answers(ctx context.Context, ports []int) bool {
	dialer := net.Dialer{Timeout: time.Second}
	for _, port := range ports {
		conn, err := dialer.DialContext(ctx, "tcp", address(port))
		if err != nil || conn.Close() != nil {
			return false
		}
	}
	return true
}

// firstWrite passes writes on and tells of the first one.
type firstWrite struct {
	to       io.Writer
	once     sync.Once
	happened chan struct{}
}

func newFirstWrite(to io.Writer) *firstWrite {
	return &firstWrite{to: to, happened: make(chan struct{})}
}

func (w *firstWrite) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.happened) })
	return w.to.Write(p)
}
