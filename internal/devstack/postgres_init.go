package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// characterTypes are the names under which systems know a locale that classifies
// Unicode characters. Without one, case-insensitive search works for ASCII only. The
// last is a fallback that exists everywhere.
var characterTypes = []string{"C.UTF-8", "en_US.UTF-8", "UTF-8", "C"}

// initialise makes the data directory under another name and renames it when it is
// complete: an interrupted run leaves nothing that looks like data.
func (s *postgresStart) initialise(ctx context.Context) error {
	s.Logger.Info("preparing a new PostgreSQL data directory", zap.String("data", s.place.data()))
	if err := s.newPassword(); err != nil {
		return err
	}
	if err := s.makeDraft(ctx); err != nil {
		return s.log.withTail(fmt.Errorf("prepare PostgreSQL's data: %w", err))
	}
	if err := os.Rename(s.place.draft(), s.place.data()); err != nil {
		return fmt.Errorf("prepare PostgreSQL's data: %w", err)
	}
	return nil
}

// newPassword is written down before the data exists, so that no data is ever without.
func (s *postgresStart) newPassword() error {
	s.state.Password = rand.Text()
	return saveState(s.statePath(), s.state, s.durable())
}

// durable tells whether the data is to survive a crash of the machine.
func (s *postgresStart) durable() bool { return s.Settings["fsync"] != "off" }

func (s *postgresStart) makeDraft(ctx context.Context) error {
	var err error
	for _, characters := range characterTypes {
		from := s.log.size()
		if err = s.initdb(ctx, characters); err == nil {
			return nil
		}
		if !strings.Contains(s.log.since(from), "invalid locale") {
			return err
		}
	}
	return err
}

func (s *postgresStart) initdb(ctx context.Context, characters string) (err error) {
	if err := os.RemoveAll(s.place.draft()); err != nil {
		return err
	}
	if err := os.Mkdir(s.place.draft(), 0o700); err != nil {
		return err
	}
	secret := filepath.Join(s.place.root, "password.new")
	defer func() { err = errors.Join(err, os.Remove(secret)) }()
	if err := writePrivate(secret, []byte(s.state.Password+"\n"), false); err != nil {
		return err
	}
	if err := errors.Join(s.place.account.own(secret), s.place.account.own(s.place.draft())); err != nil {
		return err
	}
	args := []string{
		"-D", s.place.draft(), "-U", postgresUser, "--pwfile=" + secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--lc-ctype=" + characters,
	}
	if !s.durable() {
		args = append(args, "--no-sync")
	}
	return run(ctx, program{
		path: s.bin.initdb(), args: args, env: postgresEnvironment(), dir: s.place.draft(),
		account: s.place.account, stdout: s.log.file, stderr: s.log.file, onParentDeath: syscall.SIGINT,
	})
}

// ensureDatabase creates the database unless it is there.
func ensureDatabase(ctx context.Context, adminURL, name string) (err error) {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("connect to the new server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	there, err := databaseExists(ctx, conn, name)
	if err != nil || there {
		return err
	}
	return createDatabase(ctx, conn, name)
}

func databaseExists(ctx context.Context, conn *pgx.Conn, name string) (there bool, err error) {
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("look for database %s: %w", name, err)
	}
	return there, nil
}

func createDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}
