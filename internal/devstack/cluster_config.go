package devstack

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Each of the four services opens so many connections at most to each of the databases:
// together 60, of the 100 that PostgreSQL has unless told otherwise.
const (
	clusterConnections    = 12
	visibilityConnections = 3
)

// configPath is the file of the server's configuration, and the argument by which the server
// can be found among all processes.
func (s *clusterStart) configPath() string { return filepath.Join(s.Dir, "cluster.yaml") }

func (s *clusterStart) dynamicPath() string { return filepath.Join(s.Dir, "dynamic.yaml") }

func (s *clusterStart) visibilityDatabase() string { return s.Database + "_visibility" }

// writeConfig writes the configuration anew for every start. It is JSON, which is YAML too.
// Since it holds the password, only its owner may read it.
func (s *clusterStart) writeConfig() error {
	target, err := s.target()
	if err != nil {
		return err
	}
	if err := saveState(s.dynamicPath(), dynamicConfig(s.DynamicConfig), false); err != nil {
		return fmt.Errorf("dynamic configuration: %w", err)
	}
	return saveState(s.configPath(), s.config(target), false)
}

// config is what the server reads.
func (s *clusterStart) config(target *pgx.ConnConfig) map[string]any {
	services := make(map[string]any, len(clusterServices))
	for service, ports := range s.state.Ports {
		services[service] = map[string]any{"rpc": map[string]any{
			"grpcPort": ports.GRPC, "membershipPort": ports.Membership, "bindOnIP": loopback,
		}}
	}
	return map[string]any{
		"log": map[string]any{"stdout": true, "level": "info", "format": "console"},
		"persistence": map[string]any{
			"defaultStore": "default", "visibilityStore": "visibility", "numHistoryShards": s.NumHistoryShards,
			"datastores": map[string]any{
				"default":    dataStore(target, s.Database, clusterConnections),
				"visibility": dataStore(target, s.visibilityDatabase(), visibilityConnections),
			},
		},
		"global":   map[string]any{"membership": map[string]any{"maxJoinDuration": "30s", "broadcastAddress": loopback}},
		"services": services,
		"clusterMetadata": map[string]any{
			"enableGlobalNamespace": false, "failoverVersionIncrement": 10,
			"masterClusterName": "active", "currentClusterName": "active",
			"clusterInformation": map[string]any{"active": map[string]any{
				"enabled": true, "initialFailoverVersion": 1, "rpcName": frontend,
				"rpcAddress": address(s.state.Ports[frontend].GRPC),
			}},
		},
		"dcRedirectionPolicy": map[string]any{"policy": "noop"},
		"dynamicConfigClient": map[string]any{"filepath": s.dynamicPath(), "pollInterval": "10s"},
	}
}

func dataStore(target *pgx.ConnConfig, database string, connections int) map[string]any {
	return map[string]any{"sql": map[string]any{
		"pluginName": postgresPlugin, "databaseName": database,
		"connectAddr": net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port))), "connectProtocol": "tcp",
		"user": target.User, "password": target.Password,
		"maxConns": connections, "maxIdleConns": connections, "maxConnLifetime": "1h",
	}}
}

// dynamicConfig is in the form of Temporal's file: to each key a list of values, each for
// what it is constrained to, here for everything.
func dynamicConfig(change map[string]any) map[string]any {
	settings := map[string]any{
		// Workers are shared fairly between executions: tasks carry keys of fairness, which
		// mean nothing without these.
		"matching.useNewMatcher":  true,
		"matching.enableFairness": true,
	}
	maps.Copy(settings, change)
	file := make(map[string]any, len(settings))
	for key, value := range settings {
		file[key] = []any{map[string]any{"value": value}}
	}
	return file
}
