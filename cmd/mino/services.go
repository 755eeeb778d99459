package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/uptrace/bun"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/internal/metrics"
	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/internal/orphans"
	"github.com/minohq/mino/internal/robots"
	"github.com/minohq/mino/internal/sequencer"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/worker"
)

// backend is what the API and the worker both stand on.
type backend struct {
	db        *bun.DB
	store     *store.Store
	temporal  client.Client
	executors executors.Registry
	vault     *vault.Vault
	// queues are the task queues of jobs that are not done where the workflow is, by
	// executor.
	queues      map[string]string
	databaseURL string
	metrics     *metrics.Jobs
	// metered says that the metrics are served already: a process has one address for
	// them.
	metered bool
}

// openBackend connects to the database and to Temporal.
func openBackend(ctx context.Context, stack *lifecycle.Stack, d config.Database, t config.Temporal, w config.Worker, x config.Executors, logger *zap.Logger) (*backend, error) {
	keys, err := vault.ParseKeys(string(x.SecretsKey))
	if err != nil {
		return nil, err
	}
	db, err := openMigrated(ctx, d, logger)
	if err != nil {
		return nil, err
	}
	stack.Add("the database connections", func(context.Context) error { return db.Close() })
	temporal, err := dialTemporal(ctx, t, logger)
	if err != nil {
		return nil, err
	}
	stack.Add("the connection to Temporal", func(context.Context) error { temporal.Close(); return nil })
	records, all := store.New(db), openExecutors(stack, w, x, logger)
	return &backend{
		db: db, store: records, temporal: temporal, executors: all, queues: jobQueues(w.TaskQueue, all),
		vault: vault.New(keys, records), databaseURL: string(d.URL), metrics: metrics.NewJobs(),
	}, nil
}

// serveMetrics serves the metrics of this process, if they are wanted; the stack stops it.
func (b *backend) serveMetrics(stack *lifecycle.Stack, address string, logger *zap.Logger) error {
	if address == "" || b.metered {
		return nil
	}
	server, err := metrics.Serve(address, b.metrics)
	if err != nil {
		return err
	}
	b.metered = true
	stack.Add("the metrics", server.Stop)
	logger.Info("metrics are served", zap.String("address", server.Address()))
	return nil
}

// startWorker starts the worker, the numbering of the events that it writes, and its
// metrics; the stack stops them.
func (b *backend) startWorker(stack *lifecycle.Stack, c config.Worker, x config.Executors, logger *zap.Logger) error {
	if err := b.serveMetrics(stack, c.MetricsListen, logger); err != nil {
		return err
	}
	events := sequencer.New(b.store, logger, 0)
	ctx, stop := context.WithCancel(context.Background())
	var numbering sync.WaitGroup
	numbering.Go(func() { events.Run(ctx) })
	stack.Add("the numbering of events", func(context.Context) error { stop(); numbering.Wait(); return nil })
	visitor := robots.New(robots.Config{AllowedPrefixes: c.Networks(), UserAgent: fetch.DefaultUserAgent})
	stack.Add("the reader of robots.txt", func(context.Context) error { visitor.Close(); return nil })
	orphaned := orphans.NewSweep(b.store, b.executors, b.vault, logger, 0)
	sweepCtx, stopSweep := context.WithCancel(context.Background())
	var sweeping sync.WaitGroup
	sweeping.Go(func() { orphaned.Run(sweepCtx) })
	stack.Add("the sweep of orphaned runs", func(context.Context) error { stopSweep(); sweeping.Wait(); return nil })
	w := worker.New(b.temporal, worker.Config{
		TaskQueue:               c.TaskQueue,
		Identity:                identity(),
		MaxConcurrentActivities: c.MaxConcurrentActivities,
		StopTimeout:             c.StopTimeout,
		Jobs:                    b.ownJobs(x, logger),
	}, activities.New(activities.Config{
		Identity:     identity(),
		PageSize:     c.PageSize,
		JobsPerChunk: c.JobsPerChunk,
		// What is handed back must be written before the worker stops waiting.
		StopGrace: c.StopTimeout * 2 / 3,
		Observer:  activities.Observers{b.metrics, activities.Numbered(events)},
		Secrets:   b.vault, JobTaskQueues: b.queues, Robots: visitor,
	}, b.store, b.executors, logger))
	if err := w.Start(); err != nil {
		return err
	}
	stack.Add("the worker", func(context.Context) error { w.Stop(); return nil })
	logger.Info("the worker polls", zap.String("task_queue", c.TaskQueue))
	return nil
}

// startAPI listens, serves and sweeps; the stack stops all of it. failed gets the
// error of a server that stops by itself.
func (b *backend) startAPI(stack *lifecycle.Stack, c config.API, auth authFlags, w config.Worker, logger *zap.Logger, failed context.CancelCauseFunc) (address string, err error) {
	if err := b.serveMetrics(stack, w.MetricsListen, logger); err != nil {
		return "", err
	}
	notices, err := store.NewNotices(b.databaseURL)
	if err != nil {
		return "", err
	}
	orchestrate := orchestrator.New(b.temporal, w.TaskQueue)
	settings := api.Config{
		Store:          b.store,
		Orchestrator:   orchestrate,
		Executors:      b.executors,
		Secrets:        b.vault,
		Logger:         logger,
		MaxRows:        c.MaxRows,
		BodyLimit:      c.BodyLimit(),
		ReadTimeout:    c.ReadTimeout,
		IdleTimeout:    c.IdleTimeout,
		RequestTimeout: c.RequestTimeout,
		Notices:        notices,
		Streams:        b.metrics.Streams(),
		Origins:        c.Origins,
		TrustedProxies: c.Proxies(),
		MaxStreams:     c.MaxStreams,
		MaxExports:     c.MaxExports,

		RequestsPerMinute:    c.RequestsPerMinute,
		RequestsPerKeyMinute: c.RequestsPerKey,
	}
	if err := auth.give(&settings, b.store, logger); err != nil {
		return "", err
	}
	app := api.New(settings)
	listener, err := net.Listen("tcp", c.Listen) //nolint:noctx // bound once at start, closed by the server
	if err != nil {
		return "", fmt.Errorf("listen on %s (--listen): %w", c.Listen, err)
	}
	go func() {
		if err := app.Listener(listener); err != nil {
			failed(fmt.Errorf("the API stopped: %w", err))
		}
	}()
	stack.Add("the API", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, c.StopTimeout)
		defer cancel()
		return app.ShutdownWithContext(ctx)
	})
	sweepCtx, stopSweep := context.WithCancel(context.Background())
	var sweeping sync.WaitGroup
	sweeping.Go(func() { orchestrator.NewSweep(orchestrate, b.store, logger, 0, 0).Run(sweepCtx) })
	stack.Add("the sweep", func(context.Context) error { stopSweep(); sweeping.Wait(); return nil })
	logger.Info("the API listens", zap.Stringer("address", listener.Addr()))
	return listener.Addr().String(), nil
}

// untilStopped waits for a signal, or for a part that stops by itself, and then closes
// the stack. A signal is not an error.
func untilStopped(ctx context.Context, stack *lifecycle.Stack, logger *zap.Logger) error {
	<-ctx.Done()
	cause := context.Cause(ctx)
	logger.Info("stopping", zap.String("why", cause.Error()))
	err := stack.Close()
	var signalled lifecycle.Signalled
	if errors.As(cause, &signalled) || errors.Is(cause, context.Canceled) {
		return err
	}
	return errors.Join(cause, err)
}
