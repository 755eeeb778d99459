package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// readyTime is long because recovery after a crash can be.
	readyTime = 2 * time.Minute
	// portTries is how often another port is chosen when somebody was faster.
	portTries = 5
	// releaseTime is how long processes of a killed server may hold its shared memory.
	releaseTime = 20 * time.Second
)

// errStillHeld says that processes of an earlier server still hold its shared memory.
var errStillHeld = errors.New("processes of an earlier server have not ended yet")

// postgresStart is one call of StartPostgres.
type postgresStart struct {
	PostgresConfig
	log    *logFile
	bin    installation
	place  place
	state  postgresState
	before bool // there was a state
}

func (s *postgresStart) run(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(releaseTime)
	for tries := 1; ; {
		proc, err := s.attempt(ctx)
		switch {
		case err == nil:
			return proc, keepState(proc, s.statePath(), s.state, s.durable())
		case errors.Is(err, errStillHeld) && time.Now().Before(deadline):
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return nil, err
			}
		case errors.Is(err, errPortTaken) && s.Port == 0 && tries < portTries:
			tries++
			s.state.Port = 0
		default:
			return nil, s.log.withTail(err)
		}
	}
}

// keepState writes down what the next start of a server that is up has to know.
// Without it, the server is not worth having.
func keepState(proc *process, path string, state any, sync bool) error {
	err := saveState(path, state, sync)
	if err != nil {
		err = errors.Join(err, proc.abandon(syscall.SIGINT))
	}
	return err
}

func (s *postgresStart) statePath() string { return filepath.Join(s.Dir, "postgres.json") }

// prepare finds the programs, the place and the user, clears away what an earlier run
// left, and makes the data directory if there is none.
func (s *postgresStart) prepare(ctx context.Context) (err error) {
	if s.before, err = loadState(s.statePath(), &s.state); err != nil {
		return err
	}
	if err := s.locate(ctx); err != nil {
		return err
	}
	s.state.DataDir = s.place.data()
	if err := s.reclaim(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(s.place.data()); err == nil {
		if !s.before {
			return fmt.Errorf("%s has data but %s, which has its password, is missing: remove the directory to start anew",
				s.place.root, s.statePath())
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for PostgreSQL's data: %w", err)
	}
	// Making the data takes a while: better to hear of a taken port before.
	if _, err := choosePort(ctx, s.Port, s.state.Port); err != nil {
		return err
	}
	return s.initialise(ctx)
}

// locate chooses the programs and the place. They depend on each other: the data that
// is in the place needs programs of its version, and whether the place will do is
// tried with the programs.
func (s *postgresStart) locate(ctx context.Context) (err error) {
	if s.bin, err = findPostgres(ctx, majorOf(filepath.Join(s.Dir, "data"))); err != nil {
		return err
	}
	search := placeSearch{log: s.Logger, dir: s.Dir, spares: s.spares, postgres: s.bin.postgres(), before: s.before}
	if s.place, err = search.run(ctx); err != nil {
		return err
	}
	if major := majorOf(s.place.data()); major != 0 && major != s.bin.major {
		s.bin, err = findPostgres(ctx, major)
	}
	return err
}

// majorOf reads the version of a data directory; 0 when there is none.
func majorOf(data string) int {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	return numberIn(string(text))
}

// attempt starts the server on a port and waits until it is ready.
func (s *postgresStart) attempt(ctx context.Context) (_ *process, err error) {
	if s.state.Port, err = choosePort(ctx, s.Port, s.state.Port); err != nil {
		return nil, err
	}
	from := s.log.size()
	proc, err := startProcess(ctx, program{
		path: s.bin.postgres(), args: s.arguments(), env: postgresEnvironment(),
		dir: s.place.data(), account: s.place.account, stdout: s.log.file, stderr: s.log.file,
		// The fast shutdown: it waits for no client.
		onParentDeath: syscall.SIGINT,
	})
	if err != nil {
		return nil, err
	}
	ready := func() bool { return proc.ended() || s.ready(proc.pid()) }
	if err := poll(ctx, readyTime, ready); err != nil {
		return nil, errors.Join(fmt.Errorf("wait until it is ready: %w", err), proc.abandon(syscall.SIGINT))
	}
	if proc.ended() {
		return nil, reasonOf(s.log.since(from), proc)
	}
	return proc, nil
}

// reasonOf tells from the log why a server did not come up, as far as there is
// something to do about it. The server's messages are in English, see
// postgresEnvironment.
func reasonOf(output string, proc *process) error {
	switch {
	case strings.Contains(output, "could not bind"):
		return errPortTaken
	case strings.Contains(output, "pre-existing shared memory block"):
		return errStillHeld
	default:
		return fmt.Errorf("it ended at once (%s)", proc.cmd.ProcessState)
	}
}

// arguments are given on the command line, so the data directory needs no editing and
// a changed default reaches data that is there already.
func (s *postgresStart) arguments() []string {
	settings := map[string]string{
		"listen_addresses": loopback,
		// No socket file: its path could be too long, and its place writable by others.
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
	}
	maps.Copy(settings, s.Settings)
	args := []string{"-D", s.place.data(), "-p", strconv.Itoa(s.state.Port)}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// postgresEnvironment leaves out what is meant for clients and would change the server,
// and has messages in English, since some are read here.
func postgresEnvironment() []string {
	drop := func(name string) bool { return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "LC_") }
	return environment(drop, "LC_ALL=C")
}

// ready reads what the server writes about itself into its lock file: the process id
// in the first line, its status in the eighth. Reading it disturbs nobody, and unlike
// a connection it proves that the server is the one started here.
func (s *postgresStart) ready(pid int) bool {
	lines := lockFileLines(s.place.data())
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

func lockFileLines(data string) []string {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

// reclaim clears away what earlier runs left: processes, data whose directory was
// removed, and a lock file that would keep the server from starting.
func (s *postgresStart) reclaim(ctx context.Context) error {
	for _, path := range []string{s.place.data(), s.place.draft()} {
		if err := stopOrphans(ctx, s.Logger, path, syscall.SIGINT, syscall.SIGQUIT); err != nil {
			return err
		}
	}
	if s.place.moved && !s.before {
		// Who removed the directory wanted to start anew; its password is gone anyway.
		if err := os.RemoveAll(s.place.data()); err != nil {
			return fmt.Errorf("remove data whose directory is gone: %w", err)
		}
	}
	return s.reclaimLockFile(ctx)
}

// reclaimLockFile removes a lock file left by a server that was killed. PostgreSQL does
// so itself unless another process of its user has got the same process id since: then
// it refuses to start.
func (s *postgresStart) reclaimLockFile(ctx context.Context) error {
	lines := lockFileLines(s.place.data())
	if lines == nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err == nil && pid > 0 && alive(pid) && worksIn(pid, s.place.data()) {
		if err := endProcess(ctx, pid, syscall.SIGINT, syscall.SIGQUIT); err != nil {
			return err
		}
	}
	err = os.Remove(filepath.Join(s.place.data(), "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a lock file left over: %w", err)
	}
	return nil
}
