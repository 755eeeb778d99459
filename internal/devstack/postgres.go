package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"go.uber.org/zap"
)

const (
	postgresName    = "PostgreSQL"
	postgresUser    = "mino"
	defaultDatabase = "mino"
)

// PostgresConfig says what to start.
type PostgresConfig struct {
	// Dir holds the data, the log and the password. It is made when missing.
	Dir string
	// Port to listen on; 0 is the one of the last start if it is free, else any.
	Port int
	// Database is created when missing; "" is "mino".
	Database string
	// Settings are PostgreSQL's own, as in postgresql.conf. Without any, commits are
	// durable; tests trade that for speed with fsync=off, which makes the preparation
	// of a new data directory faster too.
	Settings map[string]string
	// Logger hears what is being done; nil is silent.
	Logger *zap.Logger

	spares []string // the default ones when nil; for tests
}

// Postgres is a PostgreSQL server that this process started.
type Postgres struct {
	*server
	state postgresState
	dir   string
	place place
	db    string
}

// postgresState is what a start leaves to the next one, in a file that only its owner
// can read.
type postgresState struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
	// DataDir is there for people who look for the data.
	DataDir string `json:"data_dir"`
}

// StartPostgres starts PostgreSQL and returns when it takes connections and the
// database exists. The context bounds the start only.
//
// The data survives restarts, crashes and leftovers of both: a server still running on
// the data is stopped first, and a lock file that names a process which is not that
// server is removed. Data that was half made by an interrupted first start is made
// anew.
//
// When we are root, the server runs as the owner of the existing data, else as user
// postgres, else as nobody. If that user cannot reach Dir, the data goes to
// /var/lib/mino or, failing that, a temporary directory, under a name derived from
// Dir; the log says so, and removing Dir removes that data too, at the next start.
//
// Errors: ErrNotInstalled, ErrInUse, or one with the last lines of the server's log.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (_ *Postgres, err error) {
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	log, err := openLog(filepath.Join(cfg.Dir, "postgres.log"))
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	start := postgresStart{PostgresConfig: cfg, log: log}
	proc, err := start.run(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), log.close(), lock.release())
	}
	pg := &Postgres{
		server: serve(postgresName, proc, log, lock),
		state:  start.state, dir: cfg.Dir, place: start.place, db: cfg.Database,
	}
	if err := ensureDatabase(ctx, pg.URLOf("postgres"), cfg.Database); err != nil {
		return nil, errors.Join(err, pg.Stop(context.WithoutCancel(ctx)))
	}
	cfg.Logger.Info("PostgreSQL is running", zap.Int("port", start.state.Port),
		zap.String("database", cfg.Database), zap.String("data", start.place.data()), zap.Int("pid", pg.Pid()))
	return pg, nil
}

func (c PostgresConfig) withDefaults() (PostgresConfig, error) {
	if c.Dir == "" {
		return c, errors.New("start PostgreSQL: no directory given")
	}
	if c.Database == "" {
		c.Database = defaultDatabase
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.spares == nil {
		c.spares = sparePlaces()
	}
	dir, err := ownDir(c.Dir)
	c.Dir = dir
	return c, err
}

// ownDir makes a directory and returns its real path: processes are found by it, so it
// must be the same from whichever side it is reached.
func ownDir(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return "", fmt.Errorf("make a directory: %w", err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	return path, nil
}

// URL returns the address of the database, with user and password:
// postgres://user:password@127.0.0.1:port/database?sslmode=disable.
func (p *Postgres) URL() string { return p.URLOf(p.db) }

// URLOf returns the address of another database of the same server.
func (p *Postgres) URLOf(database string) string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(postgresUser, p.state.Password),
		Host:     address(p.state.Port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Port returns the port that the server listens on.
func (p *Postgres) Port() int { return p.state.Port }

// DataDir returns where the data is: below the configured directory, or elsewhere when
// the server's user cannot reach that.
func (p *Postgres) DataDir() string { return p.place.data() }

// Stop shuts the server down: open transactions are rolled back, connections closed,
// data written. When the context ends first, the server is stopped without writing
// its data, which it recovers at the next start, and an error says so. Stopping a
// server that has ended is nothing.
func (p *Postgres) Stop(ctx context.Context) error {
	return p.stop(ctx, syscall.SIGINT, syscall.SIGQUIT)
}

// Kill ends the server at once, as a crash does: the next start recovers from the log
// of writes. It is meant for tests of what happens then.
func (p *Postgres) Kill() error { return p.kill(syscall.SIGQUIT) }

// Remove stops the server and deletes its data and its directory.
func (p *Postgres) Remove(ctx context.Context) error {
	if err := p.Stop(ctx); err != nil {
		return err
	}
	if p.place.moved {
		if err := os.RemoveAll(p.place.root); err != nil {
			return fmt.Errorf("remove PostgreSQL's data: %w", err)
		}
	}
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("remove PostgreSQL's directory: %w", err)
	}
	return nil
}
