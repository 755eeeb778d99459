package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/models/field"
)

// maxNamed bounds the projects that are named when one is not found.
const maxNamed = 10

// projectByName finds a project that must be there.
func projectByName(ctx context.Context, c *client.Client, name string) (wire.Project, error) {
	project, found, err := c.FindProject(ctx, name)
	if err != nil || found {
		return project, err
	}
	var names []string
	for project, err := range c.Projects(ctx) {
		if err != nil {
			return wire.Project{}, err
		}
		names = append(names, project.Name)
	}
	return wire.Project{}, &ExitError{Code: ExitRefused, Err: fmt.Errorf("there is no project %q; %s", name, others(names))}
}

func others(names []string) string {
	if len(names) == 0 {
		return "there are none yet: pass a project file (.yaml), and it is made"
	}
	slices.Sort(names)
	more := ""
	if len(names) > maxNamed {
		more = fmt.Sprintf(" and %d more", len(names)-maxNamed)
		names = names[:maxNamed]
	}
	return "there are: " + strings.Join(names, ", ") + more
}

// projectTries bounds how often ensureProject starts over because somebody else
// made or edited the same project at the same moment.
const projectTries = 3

// ensureProject brings the project of the wanted name to what is wanted: made when
// there is none, edited where it differs. did says which, for people.
func ensureProject(ctx context.Context, c *client.Client, want wire.ProjectRequest) (project wire.Project, did string, err error) {
	for range projectTries {
		project, did, err = bringTo(ctx, c, want)
		var refusal *client.Error
		if !errors.As(err, &refusal) ||
			(refusal.Status != http.StatusConflict && refusal.Status != http.StatusPreconditionFailed) {
			break
		}
	}
	return project, did, err
}

func bringTo(ctx context.Context, c *client.Client, want wire.ProjectRequest) (wire.Project, string, error) {
	have, found, err := c.FindProject(ctx, want.Name)
	if err != nil {
		return wire.Project{}, "", err
	}
	if !found {
		project, err := c.CreateProject(ctx, want)
		return project, "created", err
	}
	patch, changed := difference(have, want)
	if len(changed) == 0 {
		return have, "used as it is", nil
	}
	project, err := c.PatchProject(ctx, have.ID, have.Version, patch)
	return project, "updated: " + strings.Join(changed, ", "), err
}

// difference gives the members of a project that are not as wanted. Values of secrets
// cannot be compared: those that are wanted are set, and the others stay.
func difference(have wire.Project, want wire.ProjectRequest) (patch wire.ProjectPatch, changed []string) {
	if name := strings.TrimSpace(want.Name); have.Name != name {
		patch.Name = &name
		changed = append(changed, "name")
	}
	if have.Instruction != want.Instruction {
		patch.Instruction = &want.Instruction
		changed = append(changed, "instruction")
	}
	if !sameFields(have.Fields, want.Fields) {
		patch.Fields = &want.Fields
		changed = append(changed, "fields")
	}
	if have.Executor != want.Executor {
		patch.Executor = &want.Executor
		changed = append(changed, "executor")
	}
	if !sameJSON(have.Settings, want.Settings) {
		patch.Settings = want.Settings
		if isBlank(patch.Settings) {
			patch.Settings = json.RawMessage("{}")
		}
		changed = append(changed, "settings")
	}
	if !reflect.DeepEqual(have.Defaults, want.Defaults) {
		patch.Defaults = &want.Defaults
		changed = append(changed, "defaults")
	}
	if !reflect.DeepEqual(have.Inputs, want.Inputs) {
		patch.Inputs = wire.Null[[]string]()
		if want.Inputs != nil {
			patch.Inputs = wire.Given(want.Inputs)
		}
		changed = append(changed, "inputs")
	}
	if !reflect.DeepEqual(have.Politeness, want.Politeness) {
		patch.Politeness = wire.Nullable[wire.Politeness]{Given: true, Value: want.Politeness}
		changed = append(changed, "politeness")
	}
	if len(want.Secrets) > 0 {
		patch.Secrets = make(map[string]wire.Nullable[string], len(want.Secrets))
		for name, value := range want.Secrets {
			patch.Secrets[name] = wire.Given(value)
		}
		changed = append(changed, "secrets")
	}
	return patch, changed
}

// sameFields compares fields as JSON, where an empty list and none are the same. A
// field without a type is one of text, as the API stores it.
func sameFields(a, b []field.Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		left, leftErr := json.Marshal(typed(a[i]))
		right, rightErr := json.Marshal(typed(b[i]))
		if leftErr != nil || rightErr != nil || !bytes.Equal(left, right) {
			return false
		}
	}
	return true
}

func typed(f field.Field) field.Field {
	if f.Type == "" {
		f.Type = field.TypeText
	}
	return f
}

// sameJSON compares by meaning; nothing, null and {} are the same settings.
func sameJSON(a, b json.RawMessage) bool {
	if isBlank(a) || isBlank(b) {
		return isBlank(a) && isBlank(b)
	}
	var left, right any
	if json.Unmarshal(a, &left) != nil || json.Unmarshal(b, &right) != nil {
		return bytes.Equal(a, b)
	}
	return reflect.DeepEqual(left, right)
}

func isBlank(settings json.RawMessage) bool {
	switch string(bytes.Join(bytes.Fields(settings), nil)) {
	case "", "null", "{}":
		return true
	}
	return false
}
