package devstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"syscall"

	"go.temporal.io/api/enums/v1"
	"go.uber.org/zap"
)

const temporalName = "the Temporal dev server"

// defaultNamespace is the one that every Temporal client uses unless told otherwise.
const defaultNamespace = "default"

// TemporalConfig says what to start.
type TemporalConfig struct {
	// Binary is the Temporal CLI; "" is looked for by FindTemporal, in the directory
	// bin beside Dir first.
	Binary string
	// Dir holds the database file and the log. It is made when missing.
	Dir string
	// InMemory keeps nothing: for tests.
	InMemory bool
	// Port to listen on; 0 is the one of the last start if it is free, else any.
	Port int
	// UIPort is the Web UI's port, chosen likewise.
	UIPort int
	// Headless leaves out the Web UI.
	Headless bool
	// Namespace is registered when missing; "" is "default".
	Namespace string
	// SearchAttributes are registered in the namespace when missing.
	SearchAttributes map[string]enums.IndexedValueType
	// DynamicConfig sets Temporal's dynamic configuration, by key; the values are
	// written as JSON.
	DynamicConfig map[string]any
	// Logger hears what is being done; nil is silent.
	Logger *zap.Logger
}

// Temporal is a Temporal dev server that this process started.
type Temporal struct {
	*server
	state    temporalState
	inMemory bool
}

// temporalState is what a start leaves to the next one.
type temporalState struct {
	Port   int `json:"port"`
	UIPort int `json:"ui_port"`
	// Complete says that a start succeeded, so the database file has its schema.
	Complete bool `json:"complete"`
}

// StartTemporal starts the dev server and returns when it answers, with the namespace
// and the search attributes registered and usable. The context bounds the start only.
//
// The database file survives restarts and crashes. A server still running on it is
// stopped first. A file left by a first start that was interrupted before its schema
// was complete is put aside, under a name that ends in ".incomplete".
//
// Errors: ErrNotInstalled, ErrInUse, or one with the last lines of the server's log.
func StartTemporal(ctx context.Context, cfg TemporalConfig) (*Temporal, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	log, err := openLog(filepath.Join(cfg.Dir, "temporal.log"))
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	start := temporalStart{TemporalConfig: cfg, log: log}
	proc, err := start.run(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Temporal: %w", err), log.close(), lock.release())
	}
	temporal := &Temporal{server: serve(temporalName, proc, log, lock), state: start.state, inMemory: cfg.InMemory}
	if err := prepareNamespace(ctx, temporal.Address(), cfg.Namespace, cfg.SearchAttributes); err != nil {
		return nil, errors.Join(err, temporal.Stop(context.WithoutCancel(ctx)))
	}
	cfg.Logger.Info("Temporal is running", zap.String("address", temporal.Address()),
		zap.String("ui", temporal.UIURL()), zap.String("namespace", cfg.Namespace), zap.Int("pid", temporal.Pid()))
	return temporal, nil
}

func (c TemporalConfig) withDefaults() (TemporalConfig, error) {
	if c.Dir == "" {
		return c, errors.New("start Temporal: no directory given")
	}
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	settings := singleServer()
	maps.Copy(settings, c.DynamicConfig)
	c.DynamicConfig = settings
	var err error
	if c.Dir, err = ownDir(c.Dir); err != nil {
		return c, err
	}
	if c.Binary == "" {
		c.Binary, err = FindTemporal(filepath.Join(filepath.Dir(c.Dir), "bin"))
	}
	return c, err
}

// singleServer is the dynamic configuration that suits a server with one shard of
// history, which the dev server is.
func singleServer() map[string]any {
	return map[string]any{
		// Each shard looks into its queues at most 20 times a second by default. With one
		// shard for everything that is a delay of some 50 ms between any two steps of a
		// workflow: 80 ms for an activity that does nothing, instead of 15.
		"history.transferProcessorMaxPollRPS":   1000,
		"history.timerProcessorMaxPollRPS":      1000,
		"history.visibilityProcessorMaxPollRPS": 1000,
		// Four partitions are for spreading a task queue over servers. Here they only let
		// a task and a worker wait for each other in different ones.
		"matching.numTaskqueueReadPartitions":  1,
		"matching.numTaskqueueWritePartitions": 1,
	}
}

// Address returns where clients connect to: "127.0.0.1:port".
func (t *Temporal) Address() string { return address(t.state.Port) }

// UIURL returns the address of the Web UI; "" without one.
func (t *Temporal) UIURL() string {
	if t.state.UIPort == 0 {
		return ""
	}
	return "http://" + address(t.state.UIPort)
}

// Stop shuts the server down, which takes a second or two. When the context ends
// first, the server is killed, which its database file withstands, and an error says
// so. A server in memory has nothing to put in order and is killed in any case.
// Stopping a server that has ended is nothing.
func (t *Temporal) Stop(ctx context.Context) error {
	if t.inMemory {
		return t.Kill()
	}
	return t.stop(ctx, syscall.SIGTERM)
}

// Kill ends the server at once, as a crash does. It is meant for tests of what happens
// then.
func (t *Temporal) Kill() error { return t.kill(syscall.SIGKILL) }
