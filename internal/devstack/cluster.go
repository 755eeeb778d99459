package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"go.temporal.io/api/enums/v1"
	"go.uber.org/zap"
)

const clusterName = "the Temporal server"

// defaultHistoryShards is as many as the development configuration of Temporal has: work
// is spread over shards as in production, and one machine can carry them.
const defaultHistoryShards = 4

// defaultClusterDatabase is the name that Temporal's documentation uses.
const defaultClusterDatabase = "temporal"

// ClusterConfig says what to start.
type ClusterConfig struct {
	// ServerBinary and SQLToolBinary are programs of the same version of Temporal's server
	// module; those that are "" are looked for by FindCluster.
	ServerBinary, SQLToolBinary string
	// Dir holds the configuration, the ports and the log. It is made when missing.
	Dir string
	// PostgresURL is the address of a database to connect to first, of a user who may
	// create others.
	PostgresURL string
	// Database has the workflows, and the database of that name with "_visibility" what can
	// be searched; "" is "temporal". They are created when missing.
	Database string
	// Port to listen on; 0 is the one of the last start if it is free, else any.
	Port int
	// NumHistoryShards is what the first start on the databases fixes for ever; 0 is 4.
	NumHistoryShards int
	// Namespace is registered when missing; "" is "default".
	Namespace string
	// SearchAttributes are registered in the namespace when missing.
	SearchAttributes map[string]enums.IndexedValueType
	// DynamicConfig sets Temporal's dynamic configuration, by key; the values are
	// written as JSON. Without it, the limits are Temporal's own.
	DynamicConfig map[string]any
	// Logger hears what is being done; nil is silent.
	Logger *zap.Logger
}

// Cluster is a Temporal server with its four services, that this process started.
type Cluster struct {
	*server
	state clusterState
}

// StartCluster starts a Temporal server on PostgreSQL, arranged as in production but in one
// process, and returns when it answers, with the namespace and the search attributes
// registered and usable. The context bounds the start only.
//
// The databases are the authority on its data: they survive restarts and crashes, and
// outlive Dir. Their schema is brought to the version of the programs. A server still
// running from Dir is stopped first. Two directories must not share databases: their
// servers would make one cluster.
//
// When PostgreSQL goes away, the server answers that it is unavailable, and goes on when
// PostgreSQL is back at the same address.
//
// Errors: ErrNotInstalled, ErrInUse, or one with the last lines of the server's log.
func StartCluster(ctx context.Context, cfg ClusterConfig) (*Cluster, error) {
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
	start := clusterStart{ClusterConfig: cfg, log: log}
	proc, err := start.run(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Temporal: %w", err), log.close(), lock.release())
	}
	cluster := &Cluster{server: serve(clusterName, proc, log, lock), state: start.state}
	if err := prepareNamespace(ctx, cluster.Address(), cfg.Namespace, cfg.SearchAttributes); err != nil {
		return nil, errors.Join(cluster.log.withTail(err), cluster.Stop(context.WithoutCancel(ctx)))
	}
	cfg.Logger.Info("Temporal is running", zap.String("address", cluster.Address()),
		zap.String("database", cfg.Database), zap.String("namespace", cfg.Namespace), zap.Int("pid", cluster.Pid()))
	return cluster, nil
}

func (c ClusterConfig) withDefaults() (ClusterConfig, error) {
	if c.Dir == "" {
		return c, errors.New("start Temporal: no directory given")
	}
	if c.PostgresURL == "" {
		return c, errors.New("start Temporal: no PostgreSQL given")
	}
	if c.Database == "" {
		c.Database = defaultClusterDatabase
	}
	if c.NumHistoryShards == 0 {
		c.NumHistoryShards = defaultHistoryShards
	}
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	var err error
	if c.Dir, err = ownDir(c.Dir); err != nil {
		return c, err
	}
	if c.ServerBinary == "" || c.SQLToolBinary == "" {
		server, sqlTool, err := FindCluster()
		if err != nil {
			return c, err
		}
		if c.ServerBinary == "" {
			c.ServerBinary = server
		}
		if c.SQLToolBinary == "" {
			c.SQLToolBinary = sqlTool
		}
	}
	return c, nil
}

// Address returns where clients connect to: "127.0.0.1:port".
func (c *Cluster) Address() string { return address(c.state.Ports[frontend].GRPC) }

// Stop shuts the server down. When the context ends first, the server is killed, which its
// databases withstand, and an error says so. Stopping a server that has ended is nothing.
func (c *Cluster) Stop(ctx context.Context) error { return c.stop(ctx, syscall.SIGTERM) }

// Kill ends the server at once, as a crash does. It is meant for tests of what happens
// then.
func (c *Cluster) Kill() error { return c.kill(syscall.SIGKILL) }
