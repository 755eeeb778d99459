package devstack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The environment variables that name the programs of a Temporal server with PostgreSQL.
const (
	TemporalServerVariable = "MINO_TEMPORAL_SERVER"
	TemporalSQLVariable    = "MINO_TEMPORAL_SQL"
)

// FindCluster returns the paths of Temporal's server and of its tool for SQL schemas, as the
// environment names them. They are looked for nowhere else, since to build them takes long
// and only `make test-cluster` needs them.
func FindCluster() (server, sqlTool string, err error) {
	if server, err = findNamed(TemporalServerVariable); err != nil {
		return "", "", err
	}
	if sqlTool, err = findNamed(TemporalSQLVariable); err != nil {
		return "", "", err
	}
	return server, sqlTool, nil
}

func findNamed(variable string) (string, error) {
	named := os.Getenv(variable)
	if named == "" {
		return "", fmt.Errorf("the Temporal server for PostgreSQL is %w: %s is not set; `make test-cluster` builds and names it",
			ErrNotInstalled, variable)
	}
	path, err := exec.LookPath(named)
	if err != nil {
		return "", fmt.Errorf("%s names no program: %w", variable, err)
	}
	return filepath.Abs(path)
}
