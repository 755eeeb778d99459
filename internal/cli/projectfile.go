package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/minohq/mino/api/wire"
)

// maxProjectFile bounds a project file; instructions are at most a few pages.
const maxProjectFile = 1 << 20

// isProjectFile tells a file from a name: by its ending, so that a file that is not
// there is missed and not taken for a name.
func isProjectFile(value string) bool {
	switch strings.ToLower(filepath.Ext(value)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// loadProject reads a project file: YAML, or JSON, of the members that the API takes
// to create a project. Unknown keys, keys that stand twice and values of the wrong
// type are errors that show the line.
func loadProject(path string) (wire.ProjectRequest, error) {
	file, err := os.Open(path)
	if err != nil {
		return wire.ProjectRequest{}, fmt.Errorf("read the project: %w", err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxProjectFile+1))
	if err != nil {
		return wire.ProjectRequest{}, fmt.Errorf("read the project: %w", err)
	}
	if len(content) > maxProjectFile {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s is larger than 1 MiB", path)
	}
	return parseProject(path, content)
}

func parseProject(path string, content []byte) (wire.ProjectRequest, error) {
	var project wire.ProjectRequest
	decoder := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict(), yaml.UseJSONUnmarshaler())
	err := decoder.Decode(&project)
	switch {
	case errors.Is(err, io.EOF):
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s is empty", path)
	case err != nil:
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s cannot be understood:\n%s",
			path, strings.TrimRight(yaml.FormatError(err, false, true), "\n"))
	}
	if err := decoder.Decode(new(wire.ProjectRequest)); !errors.Is(err, io.EOF) {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s holds more than one document", path)
	}
	if strings.TrimSpace(project.Name) == "" {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s has no name", path)
	}
	return project, nil
}
