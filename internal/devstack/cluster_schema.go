package devstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	// postgresPlugin is what Temporal calls its driver for PostgreSQL 12 and later.
	postgresPlugin = "postgres12"
	// The schemas are part of the tool.
	clusterSchema    = "postgresql/v12/temporal"
	visibilitySchema = "postgresql/v12/visibility"
)

// target reads where PostgreSQL is.
func (s *clusterStart) target() (*pgx.ConnConfig, error) {
	target, err := pgx.ParseConfig(s.PostgresURL)
	if err != nil {
		return nil, fmt.Errorf("read the address of PostgreSQL: %w", err)
	}
	if target.TLSConfig != nil {
		return nil, errors.New("PostgreSQL over TLS is not for a server of the dev stack: add sslmode=disable to its address")
	}
	return target, nil
}

// prepareDatabases creates the databases that are missing and brings their schemas to the
// version of the tool, which is that of the server.
//
// The tool passes over most of what an interrupted run of it has done already, but not over
// all, so a database whose first schema was interrupted is made anew: nothing is in it.
func (s *clusterStart) prepareDatabases(ctx context.Context) (err error) {
	target, err := s.target()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, target)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, database := range []struct{ name, schema string }{
		{s.Database, clusterSchema},
		{s.visibilityDatabase(), visibilitySchema},
	} {
		if err := s.prepareDatabase(ctx, conn, database.name); err != nil {
			return err
		}
		if err := s.prepareSchema(ctx, target, database.name, database.schema); err != nil {
			return err
		}
	}
	return nil
}

// prepareDatabase creates a database unless it is there with a schema. That it is
// unfinished is written down before it exists.
func (s *clusterStart) prepareDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	there, err := databaseExists(ctx, conn, name)
	if err != nil || there && !slices.Contains(s.state.Unfinished, name) {
		return err
	}
	if there {
		s.Logger.Warn("making a database anew whose first schema was interrupted", zap.String("database", name))
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop database %s: %w", name, err)
		}
	} else if err := s.setUnfinished(append(s.state.Unfinished, name)); err != nil {
		return err
	}
	return createDatabase(ctx, conn, name)
}

func (s *clusterStart) setUnfinished(names []string) error {
	slices.Sort(names)
	s.state.Unfinished = slices.Compact(names)
	return saveState(s.statePath(), s.state, true)
}

func (s *clusterStart) prepareSchema(ctx context.Context, target *pgx.ConnConfig, database, schema string) error {
	if slices.Contains(s.state.Unfinished, database) {
		s.Logger.Info("preparing a new database for Temporal", zap.String("database", database))
		if err := s.sqlTool(ctx, target, database, "setup-schema", "--version", "0.0"); err != nil {
			return err
		}
	}
	if err := s.sqlTool(ctx, target, database, "update-schema", "--schema-name", schema); err != nil {
		return err
	}
	if !slices.Contains(s.state.Unfinished, database) {
		return nil
	}
	return s.setUnfinished(slices.DeleteFunc(s.state.Unfinished, func(name string) bool { return name == database }))
}

// sqlTool runs Temporal's tool, which writes to the server's log. The password goes into
// its environment, where other users do not see it.
func (s *clusterStart) sqlTool(ctx context.Context, target *pgx.ConnConfig, database string, args ...string) error {
	where := []string{
		"--plugin", postgresPlugin, "--endpoint", target.Host, "--port", strconv.Itoa(int(target.Port)),
		"--user", target.User, "--database", database,
	}
	err := run(ctx, program{
		path: s.SQLToolBinary, args: append(where, args...), env: clusterEnvironment("SQL_PASSWORD=" + target.Password),
		dir: s.Dir, stdout: s.log.file, stderr: s.log.file, onParentDeath: syscall.SIGKILL,
	})
	if err != nil {
		return fmt.Errorf("%s of database %s: %w", args[0], database, err)
	}
	return nil
}
