package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/cli"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
)

// The ports that people know Temporal by; others are taken when they are not free.
const (
	usualTemporalPort   = 7233
	usualTemporalUIPort = 8233
)

// startLimit bounds the start of the servers; a first start prepares their data.
const startLimit = 3 * time.Minute

// devFlags are those of dev and demo.
type devFlags struct {
	Dev      config.Dev      `embed:""`
	Database config.Database `embed:""`
	Temporal config.Temporal `embed:"" set:"temporal_address="`
	API      config.API      `embed:""`
	authFlags
	Worker config.Worker `embed:""`

	Executors config.Executors `embed:""`

	Log      config.Log `embed:"" set:"log_format=console"`
	NoWorker bool       `help:"Leave the worker out, to run workers by hand."`
	// AgentStandIn is asked in the place of the web-agent service.
	AgentStandIn bool `help:"Start a stand-in of the web-agent service and have agent jobs go to it: nothing is billed, and results are made up."`
}

// devCmd runs everything on this machine.
type devCmd struct {
	devFlags
}

// Run runs until a signal comes or a part stops by itself.
func (c *devCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	d, err := c.start(ctx, failed)
	if err != nil {
		return err
	}
	fmt.Printf("\n  API          http://%s\n", d.api)
	if d.key != "" {
		file := filepath.Join(c.Dev.Dir, cli.KeyFile)
		fmt.Printf("  Its key      in %s, where mino finds it by itself. With curl:\n"+
			"               curl -H \"Authorization: Bearer $(cat %s)\" http://%s/api/me\n", file, file, d.api)
	}
	if d.ui != "" {
		fmt.Printf("  Temporal UI  %s\n", d.ui)
	}
	if d.agents != "" {
		fmt.Printf("  Web agent    %s (a stand-in; results are made up)\n", d.agents)
	}
	fmt.Printf("  Temporal     %s\n  PostgreSQL   %s\n  Logs         %s\n\n  Ctrl-C stops all of it.\n\n",
		c.Temporal.Address, string(c.Database.URL), filepath.Join(c.Dev.Dir, "*", "*.log"))
	return untilStopped(ctx, d.stack, d.logger)
}

// demoCmd takes an example shop through the whole.
type demoCmd struct {
	devFlags
	Once bool `env:"MINO_DEMO_ONCE" help:"End after the result."`
}

// Run shows the result and stays until a signal comes, or ends with --once.
func (c *demoCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	if !flagOrEnvSet("MINO_LOG_LEVEL", "--log-level") {
		c.Log.Level = "warn" // the demo's own output is what counts
	}
	if !flagOrEnvSet("MINO_LISTEN", "--listen") && !free(c.API.Listen) {
		c.API.Listen = "127.0.0.1:0"
	}
	fmt.Println("Starting PostgreSQL, Temporal, the API and a worker …")
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	d, err := c.start(ctx, failed)
	if err != nil {
		return err
	}
	err = cli.Demo(ctx, cli.DemoParams{
		APIURL: "http://" + d.api, Key: d.key, KeyFile: filepath.Join(c.Dev.Dir, cli.KeyFile), TemporalUIURL: d.ui, Namespace: c.Temporal.Namespace, Once: c.Once,
	})
	if err == nil && !c.Once {
		return untilStopped(ctx, d.stack, d.logger)
	}
	var signalled lifecycle.Signalled
	if errors.As(context.Cause(ctx), &signalled) {
		err = nil // leaving the demo is not an error
	}
	return errors.Join(err, d.stack.Close())
}

// development is the running stack.
type development struct {
	stack  *lifecycle.Stack
	logger *zap.Logger
	api    string
	key    string // to the API; empty when it asks for none
	ui     string
	agents string
	failed context.CancelCauseFunc
}

// start brings up what is not given: PostgreSQL, Temporal, migrations, worker, API, in
// that order. failed ends the whole when a part stops by itself.
func (c *devFlags) start(ctx context.Context, failed context.CancelCauseFunc) (_ *development, err error) {
	c.Database.StartsOwn, c.Temporal.StartsOwn = true, true
	// Jobs of the dev stack may reach this machine: that is where test sites are.
	c.Worker.AllowedNetworks = append(c.Worker.AllowedNetworks, "127.0.0.0/8", "::1/128")
	if err := c.ownKeys(); err != nil {
		return nil, err
	}
	parts := append([]config.Part{&c.Dev, &c.Database, &c.Temporal, &c.API}, c.parts(&c.API)...)
	logger, err := opened(c.Log, append(parts, &c.Worker, &c.Executors)...)
	if err != nil {
		return nil, err
	}
	d := &development{stack: lifecycle.NewStack(logger, c.Worker.StopTimeout+2*closeMargin), logger: logger, failed: failed}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stack.Close())
		}
	}()
	startCtx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := c.startServers(startCtx, d); err != nil {
		return nil, err
	}
	if err := c.migrate(startCtx); err != nil {
		return nil, err
	}
	if c.AgentStandIn {
		stand, err := standin.Serve(context.WithoutCancel(ctx), "127.0.0.1:0", standin.Config{})
		if err != nil {
			return nil, err
		}
		d.stack.Add("the stand-in of the web-agent service", func(context.Context) error { stand.Stop(); return nil })
		c.Executors.AgentURL, c.Executors.AgentKey, d.agents = stand.URL(), standin.DefaultAPIKey, stand.URL()
	}
	b, err := openBackend(startCtx, d.stack, c.Database, c.Temporal, c.Worker, c.Executors, logger)
	if err != nil {
		return nil, err
	}
	if !c.NoWorker {
		if err := b.startWorker(d.stack, c.Worker, c.Executors, logger); err != nil {
			return nil, err
		}
	}
	if !c.Auth.Off() {
		if d.key, err = devKey(startCtx, c.Dev.Dir, b.store, c.AuthKey.Keys); err != nil {
			return nil, err
		}
	}
	d.api, err = b.startAPI(d.stack, c.API, c.authFlags, c.Worker, logger, d.failed)
	return d, err
}

// ownKeys takes the keys that are not given from the directory, which has them from the
// first start on.
func (c *devFlags) ownKeys() error {
	if c.Executors.SecretsKey == "" {
		key, err := devstack.SecretsKey(c.Dev.Dir, vault.NewKey)
		if err != nil {
			return err
		}
		c.Executors.SecretsKey = config.Secret(key)
	}
	if c.AuthKey.Keys == "" && !c.Auth.Off() {
		key, err := devstack.AuthKey(c.Dev.Dir, vault.NewKey)
		if err != nil {
			return err
		}
		c.AuthKey.Keys = config.Secret(key)
	}
	return nil
}

func (c *devFlags) startServers(ctx context.Context, d *development) error {
	if c.Database.URL == "" {
		pg, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{
			Dir: filepath.Join(c.Dev.Dir, "postgres"), Logger: d.logger,
		})
		if err != nil {
			return err
		}
		d.stack.Add("PostgreSQL", pg.Stop)
		d.watch("PostgreSQL", pg.Done(), pg.Err)
		c.Database.URL = config.DatabaseURL(pg.URL())
	}
	if c.Temporal.Address != "" {
		return c.prepareTemporal(ctx, d.logger)
	}
	server, err := devstack.StartTemporal(ctx, devstack.TemporalConfig{
		Binary: c.Dev.TemporalCLI,
		Dir:    filepath.Join(c.Dev.Dir, "temporal"),
		Port:   usualIfFree(usualTemporalPort), UIPort: usualIfFree(usualTemporalUIPort),
		Namespace:        c.Temporal.Namespace,
		SearchAttributes: searchAttributes(),
		Logger:           d.logger,
	})
	if err != nil {
		return err
	}
	d.stack.Add("Temporal", server.Stop)
	d.watch("Temporal", server.Done(), server.Err)
	c.Temporal.Address, d.ui = server.Address(), server.UIURL()
	return nil
}

// prepareTemporal registers the namespace with a Temporal service that is not ours.
func (c *devFlags) prepareTemporal(ctx context.Context, logger *zap.Logger) (err error) {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: c.Temporal.Address, Logger: logging.ForTemporal(logger)})
	if err != nil {
		return fmt.Errorf("connect to Temporal at %s: %w", c.Temporal.Address, err)
	}
	defer temporal.Close()
	return devstack.EnsureNamespace(ctx, temporal, c.Temporal.Namespace)
}

func (c *devFlags) migrate(ctx context.Context) error {
	db, err := store.OpenOwner(string(c.Database.URL), c.Database.MaxConnections)
	if err != nil {
		return err
	}
	_, err = migrations.Up(ctx, db)
	return errors.Join(err, db.Close())
}

// watch ends the whole when a server ends by itself. A server that ends because the
// whole does changes nothing any more: the first cause counts.
func (d *development) watch(name string, done <-chan struct{}, reason func() error) {
	go func() {
		<-done
		d.failed(fmt.Errorf("%s stopped by itself: %w", name, reason()))
	}()
}

// usualIfFree gives a well-known port if it is free, and 0, which takes any, if not.
func usualIfFree(port int) int {
	if free(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) {
		return port
	}
	return 0
}

func free(address string) bool {
	listener, err := net.Listen("tcp", address) //nolint:noctx // closed at once
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// flagOrEnvSet reports whether a person chose a setting, so that it is not a default.
func flagOrEnvSet(env, flag string) bool {
	if os.Getenv(env) != "" {
		return true
	}
	for _, arg := range os.Args[1:] {
		if arg == flag || len(arg) > len(flag) && arg[:len(flag)+1] == flag+"=" {
			return true
		}
	}
	return false
}
