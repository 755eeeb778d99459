package devstack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

const (
	frontend = "frontend"
	history  = "history"
	matching = "matching"
	workers  = "worker"
)

// clusterServices are the services of a Temporal server.
var clusterServices = []string{frontend, history, matching, workers}

// servicePorts are what one service listens on: for calls, and for the gossip by which the
// services find each other.
type servicePorts struct {
	GRPC int `json:"grpc"`
	// Membership has to be a low port: the server's peers read it from a column of
	// PostgreSQL that holds no number above 32,767.
	Membership int `json:"membership"`
}

// clusterState is what a start leaves to the next one. A server that has all its ports
// again is taken by its peers, as they stand in the database, for the one that died: it
// need not wait until they are given up.
type clusterState struct {
	Ports map[string]servicePorts `json:"ports"`
	// Unfinished names databases that were created here and have only a part of their
	// schema yet.
	Unfinished []string `json:"unfinished"`
}

// clusterStart is one call of StartCluster.
type clusterStart struct {
	ClusterConfig
	log   *logFile
	state clusterState
}

func (s *clusterStart) run(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if _, err := loadState(s.statePath(), &s.state); err != nil {
		return nil, err
	}
	if err := stopOrphans(ctx, s.Logger, s.configPath(), syscall.SIGTERM); err != nil {
		return nil, err
	}
	if err := s.prepareDatabases(ctx); err != nil {
		return nil, s.log.withTail(err)
	}
	for tries := 1; ; tries++ {
		proc, err := s.attempt(ctx)
		switch {
		case err == nil:
			return proc, keepState(proc, s.statePath(), s.state, true)
		case ctx.Err() == nil && tries < portTries && errors.Is(err, errPortTaken) && s.Port == 0:
			s.state.Ports = nil
		default:
			return nil, s.log.withTail(err)
		}
	}
}

func (s *clusterStart) statePath() string { return filepath.Join(s.Dir, "cluster.json") }

// attempt starts the server on its ports and waits until it answers.
func (s *clusterStart) attempt(ctx context.Context) (*process, error) {
	if err := s.choosePorts(ctx); err != nil {
		return nil, err
	}
	if err := s.writeConfig(); err != nil {
		return nil, err
	}
	from := s.log.size()
	proc, err := startProcess(ctx, program{
		path: s.ServerBinary, args: []string{"--config-file", s.configPath(), "--allow-no-auth", "start"},
		env: clusterEnvironment(), dir: s.Dir,
		stdout: s.log.file, stderr: s.log.file, onParentDeath: syscall.SIGKILL,
	})
	if err != nil {
		return nil, err
	}
	err = s.awaitReady(ctx, proc)
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

func (s *clusterStart) choosePorts(ctx context.Context) (err error) {
	chosen := make(map[string]servicePorts, len(clusterServices))
	for _, service := range clusterServices {
		ports, wanted := s.state.Ports[service], 0
		if service == frontend {
			wanted = s.Port
		}
		if ports.GRPC, err = choosePort(ctx, wanted, ports.GRPC); err != nil {
			return err
		}
		if ports.Membership, err = chooseLowPort(ctx, ports.Membership); err != nil {
			return err
		}
		chosen[service] = ports
	}
	s.state.Ports = chosen
	return nil
}

// clusterEnvironment keeps what is meant for other programs away from the server and from
// PostgreSQL's driver in it.
func clusterEnvironment(add ...string) []string {
	drop := func(name string) bool {
		for _, prefix := range []string{"TEMPORAL_", "SQL_", "PG"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	return environment(drop, add...)
}

// awaitReady waits for the ports of all services, and then for answers: those come when the
// services have found each other, which another server's on one of our ports would not.
func (s *clusterStart) awaitReady(ctx context.Context, proc *process) error {
	ports := make([]int, 0, len(clusterServices))
	for _, service := range clusterServices {
		ports = append(ports, s.state.Ports[service].GRPC)
	}
	up := func() bool { return proc.ended() || answers(ctx, ports) }
	if err := poll(ctx, readyTime, up); err != nil {
		return fmt.Errorf("wait until it is up: %w", err)
	}
	temporal, err := client.NewLazyClient(client.Options{
		HostPort: address(s.state.Ports[frontend].GRPC), Namespace: "temporal-system", Logger: silent{},
	})
	if err != nil {
		return err
	}
	defer temporal.Close()
	ready := func() bool { return proc.ended() || serves(ctx, temporal) }
	if err := poll(ctx, readyTime, ready); err != nil {
		return fmt.Errorf("wait until it is ready: %w", err)
	}
	if proc.ended() {
		return fmt.Errorf("it ended at once (%s)", proc.cmd.ProcessState)
	}
	return nil
}

// serves tells whether the frontend is healthy and reaches the history, which reaches its
// database: it then knows that there is no such run.
func serves(ctx context.Context, temporal client.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := temporal.CheckHealth(ctx, nil); err != nil {
		return false
	}
	_, err := temporal.DescribeWorkflowExecution(ctx, "mino-ready", "")
	none := new(serviceerror.NotFound)
	return errors.As(err, &none)
}
