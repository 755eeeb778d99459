package devstack

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap/zaptest"
)

// clusterPrograms skips the test where there are none: to build them takes minutes.
func clusterPrograms(t *testing.T) (server, sqlTool string) {
	t.Helper()
	server, sqlTool, err := FindCluster()
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return server, sqlTool
}

// clusterConfig is for a server with databases of the test's own.
func clusterConfig(t *testing.T, pg *Postgres) ClusterConfig {
	t.Helper()
	return ClusterConfig{
		Dir: openDir(t), PostgresURL: pg.URL(), Database: "temporal_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
		Namespace: "kept", SearchAttributes: attributes(), Logger: zaptest.NewLogger(t),
	}
}

// standard is the path of a program that every Unix system has, if not in one place.
func standard(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

func startCluster(t *testing.T, cfg ClusterConfig) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cluster, err := StartCluster(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Kill()) })
	return cluster
}

// untilTold is a workflow that stays open until it is told a word, and returns it.
func untilTold(ctx workflow.Context) (string, error) {
	var word string
	workflow.GetSignalChannel(ctx, "tell").Receive(ctx, &word)
	return word, nil
}

func TestCluster(t *testing.T) {
	t.Parallel()
	server, sqlTool := clusterPrograms(t)
	pg := startPostgres(t, openDir(t))

	t.Run("OpenWorkflowSurvivesKillDeathAndStop", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		first := startCluster(t, cfg)
		c, err := client.DialContext(t.Context(), client.Options{HostPort: first.Address(), Namespace: "kept", Logger: silent{}})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		// The SDK's second for a step is short on a busy machine.
		w := worker.New(c, "here", worker.Options{DeadlockDetectionTimeout: time.Minute})
		w.RegisterWorkflow(untilTold)
		require.NoError(t, w.Start())
		t.Cleanup(w.Stop)
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "open", TaskQueue: "here",
			SearchAttributes: map[string]any{"MinoTestId": "x", "MinoTestCount": 1}, //nolint:staticcheck // by name, as they are registered
		}, untilTold)
		require.NoError(t, err)

		require.NoError(t, first.Kill())
		requireEnded(t, first.Done())
		require.NoError(t, first.Err())

		second := startCluster(t, cfg)
		require.Equal(t, first.Address(), second.Address())
		require.NoError(t, syscall.Kill(second.Pid(), syscall.SIGKILL))
		requireEnded(t, second.Done())
		require.ErrorContains(t, second.Err(), "the Temporal server ended by itself (signal: killed)")

		third := startCluster(t, cfg)
		begun := time.Now()
		require.NoError(t, third.Stop(t.Context()))
		t.Logf("the server stopped within %v", time.Since(begun).Round(100*time.Millisecond))
		require.NoError(t, third.Err())
		require.NoError(t, third.Stop(t.Context()), "stopping twice is nothing")

		startCluster(t, cfg)
		require.NoError(t, c.SignalWorkflow(t.Context(), "open", "", "tell", "hello"))
		var word string
		require.NoError(t, run.Get(t.Context(), &word))
		require.Equal(t, "hello", word)
	})

	t.Run("InterruptedSchemaIsMadeAnew", func(t *testing.T) {
		t.Parallel()
		cfg, err := clusterConfig(t, pg).withDefaults()
		require.NoError(t, err)
		log, err := openLog(filepath.Join(cfg.Dir, "temporal.log"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, log.close()) })
		start := clusterStart{ClusterConfig: cfg, log: log}
		start.SQLToolBinary = standard(t, "false")
		require.Error(t, start.prepareDatabases(t.Context()))
		require.Equal(t, []string{cfg.Database}, start.state.Unfinished)

		again := clusterStart{ClusterConfig: cfg, log: log}
		_, err = loadState(again.statePath(), &again.state)
		require.NoError(t, err)
		require.Equal(t, start.state, again.state, "it was written down")
		again.ServerBinary, again.SQLToolBinary = server, sqlTool
		require.NoError(t, again.prepareDatabases(t.Context()))
		require.Empty(t, again.state.Unfinished)
		require.NoError(t, again.prepareDatabases(t.Context()), "preparing again is nothing")
	})
}

// TestClusterPrograms needs none of Temporal's programs.
func TestClusterPrograms(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, openDir(t))
	script := func(t *testing.T, text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "program")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
		return path
	}

	t.Run("SecondStartIsRefused", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		cfg.ServerBinary, cfg.SQLToolBinary = standard(t, "true"), standard(t, "true")
		lock, err := lockDir(cfg.Dir)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, lock.release()) })
		_, err = StartCluster(startContext(t), cfg)
		require.ErrorIs(t, err, ErrInUse)
	})

	t.Run("ShowsTheLogWhenTheSchemaFails", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		cfg.ServerBinary, cfg.SQLToolBinary = standard(t, "true"), script(t, "echo it hurts >&2; exit 3")
		_, err := StartCluster(startContext(t), cfg)
		require.ErrorContains(t, err, "setup-schema of database "+cfg.Database)
		require.ErrorContains(t, err, "exit status 3")
		require.ErrorContains(t, err, "it hurts")
	})

	t.Run("ShowsTheLogWhenTheServerEnds", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		cfg.ServerBinary, cfg.SQLToolBinary = script(t, "echo it hurts >&2; exit 3"), standard(t, "true")
		_, err := StartCluster(startContext(t), cfg)
		require.ErrorContains(t, err, "it ended at once (exit status 3)")
		require.ErrorContains(t, err, "it hurts")
	})

	t.Run("TriesOtherPortsWhenSomebodyWasFaster", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		tried := filepath.Join(t.TempDir(), "tried")
		cfg.ServerBinary = script(t, `echo >>"`+tried+`"; echo "listen tcp: bind: address already in use" >&2; exit 1`)
		cfg.SQLToolBinary = standard(t, "true")
		_, err := StartCluster(startContext(t), cfg)
		require.ErrorIs(t, err, errPortTaken)
		tries, err := os.ReadFile(tried)
		require.NoError(t, err)
		require.Len(t, tries, portTries)
	})

	t.Run("RefusesATakenPortThatWasAskedFor", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		cfg.ServerBinary, cfg.SQLToolBinary, cfg.Port = standard(t, "true"), standard(t, "true"), listenOn(t, 0)
		_, err := StartCluster(startContext(t), cfg)
		require.ErrorIs(t, err, errPortTaken)
	})

	t.Run("OrphanIsStopped", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		dir, err := ownDir(cfg.Dir)
		require.NoError(t, err)
		config := (&clusterStart{ClusterConfig: ClusterConfig{Dir: dir}}).configPath()
		orphan := exec.CommandContext(context.WithoutCancel(t.Context()), "tail", "-f", "/dev/null", config)
		require.NoError(t, orphan.Start())
		ended := make(chan struct{})
		go func() { _ = orphan.Wait(); close(ended) }()
		t.Cleanup(func() { _ = orphan.Process.Kill(); <-ended })
		requireFound(t, config) // the arguments of a process show a little after its start
		cfg.ServerBinary, cfg.SQLToolBinary = standard(t, "false"), standard(t, "true")
		_, err = StartCluster(startContext(t), cfg)
		require.ErrorContains(t, err, "it ended at once")
		requireEnded(t, ended)
	})

	t.Run("RefusesTLS", func(t *testing.T) {
		t.Parallel()
		cfg := clusterConfig(t, pg)
		cfg.ServerBinary, cfg.SQLToolBinary = standard(t, "true"), standard(t, "true")
		cfg.PostgresURL = strings.Replace(cfg.PostgresURL, "sslmode=disable", "sslmode=require", 1)
		_, err := StartCluster(startContext(t), cfg)
		require.ErrorContains(t, err, "sslmode=disable")
	})
}

// It changes the environment, so it cannot be parallel.
func TestFindCluster(t *testing.T) {
	t.Setenv(TemporalServerVariable, "")
	t.Setenv(TemporalSQLVariable, standard(t, "true"))
	_, _, err := FindCluster()
	require.ErrorIs(t, err, ErrNotInstalled)
	require.ErrorContains(t, err, "make test-cluster")

	t.Setenv(TemporalServerVariable, filepath.Join(t.TempDir(), "missing"))
	_, _, err = FindCluster()
	require.ErrorContains(t, err, TemporalServerVariable)
	require.NotErrorIs(t, err, ErrNotInstalled)

	t.Setenv(TemporalServerVariable, standard(t, "false"))
	server, sqlTool, err := FindCluster()
	require.NoError(t, err)
	require.Equal(t, []string{standard(t, "false"), standard(t, "true")}, []string{server, sqlTool})
}
