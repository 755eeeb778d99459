package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
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

// projectFile is what a project file holds: the members that the API takes to create a
// project, but for secrets, of which a file says where their values are.
type projectFile struct {
	Name        string                 `json:"name"`
	Instruction string                 `json:"instruction"`
	Fields      []field.Field          `json:"fields"`
	Executor    string                 `json:"executor"`
	Settings    json.RawMessage        `json:"settings"`
	Defaults    wire.ExecutionDefaults `json:"defaults"`
	Inputs      []string               `json:"inputs"`
	Politeness  *wire.Politeness       `json:"politeness"`
	Secrets     map[string]secretFrom  `json:"secrets"`
}

// secretFrom says where the value of a secret is: in an environment variable of whoever
// runs the command.
type secretFrom struct {
	Env string `json:"env"`
}

// loadProject reads a project file, YAML or JSON. Unknown keys, keys that stand twice and
// values of the wrong type are errors that show the line.
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
	return parseProject(path, content, os.LookupEnv)
}

func parseProject(path string, content []byte, env func(string) (string, bool)) (wire.ProjectRequest, error) {
	var project projectFile
	decoder := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict(), yaml.UseJSONUnmarshaler())
	err := decoder.Decode(&project)
	switch {
	case errors.Is(err, io.EOF):
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s is empty", path)
	case err != nil:
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s cannot be understood:\n%s",
			path, strings.TrimRight(yaml.FormatError(err, false, true), "\n"))
	}
	if err := decoder.Decode(new(projectFile)); !errors.Is(err, io.EOF) {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s holds more than one document", path)
	}
	if strings.TrimSpace(project.Name) == "" {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s has no name", path)
	}
	secrets, err := secretsFrom(project.Secrets, env)
	if err != nil {
		return wire.ProjectRequest{}, fmt.Errorf("the project file %s: %w", path, err)
	}
	return wire.ProjectRequest{
		Name: project.Name, Instruction: project.Instruction, Fields: project.Fields, Executor: project.Executor,
		Settings: project.Settings, Defaults: project.Defaults, Inputs: project.Inputs, Politeness: project.Politeness,
		Secrets: secrets,
	}, nil
}

// secretsFrom takes the values of secrets from the environment; all that are missing are
// named at once.
func secretsFrom(from map[string]secretFrom, env func(string) (string, bool)) (map[string]string, error) {
	var missing []error
	values := make(map[string]string, len(from))
	for _, name := range slices.Sorted(maps.Keys(from)) {
		variable := from[name].Env
		value, _ := env(variable)
		switch {
		case variable == "":
			missing = append(missing, fmt.Errorf("the secret %s does not say where its value is: give {env: VARIABLE}", name))
		case value == "":
			missing = append(missing, fmt.Errorf("the secret %s is to be in the environment variable %s, which is not set", name, variable))
		default:
			values[name] = value
		}
	}
	if len(values) == 0 {
		values = nil
	}
	return values, errors.Join(missing...)
}
