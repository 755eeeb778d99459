package archtest

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/workflows/contract"
)

// block is a JSON block of a document, under the comment that says what it is.
var block = regexp.MustCompile("(?s)(?:<!-- json: ([a-z_]+) -->\n)?```json\n(.*?)```")

// promised are the types of what callers of MINO write and read; the rest of the
// contract is its own affair.
func promised() map[string]any {
	return map[string]any{
		"batch_input_items": &contract.BatchInput{}, "batch_input_batch": &contract.BatchInput{}, "batch_input_execution": &contract.BatchInput{},
		"batch_result": &contract.BatchResult{}, "activity_request": &contract.ActivityRequest{}, "activity_result": &contract.ActivityResult{},
		"project": &wire.ProjectRequest{},
	}
}

// TestJSONOfTheDocs holds the JSON of the documents against the golden files of the
// contract, and so against the code.
func TestJSONOfTheDocs(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for _, name := range []string{"docs/child-workflows.md", "docs/activity-executor.md"} {
		for _, found := range block.FindAllStringSubmatch(read(t, name), -1) {
			what, text := found[1], found[2]
			into, known := promised()[what]
			require.True(t, known, "%s does not say what this is, in a comment such as <!-- json: batch_result -->:\n%s", name, text)
			shown[what] = true
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.DisallowUnknownFields()
			require.NoError(t, decoder.Decode(into), "%s: %s", name, what)
			if project, ok := into.(*wire.ProjectRequest); ok {
				require.Equal(t, activity.Name, project.Executor)
				require.NoError(t, activity.New().Validate(executors.Spec{Settings: project.Settings, Fields: project.Fields}))
				continue
			}
			require.JSONEq(t, read(t, filepath.Join("workflows", "contract", "testdata", what+".json")), text, "%s: %s", name, what)
		}
	}
	require.Len(t, shown, len(promised()), "each is shown")
}

// TestPermissionsOfTheDocs holds the table of docs/security.md against package access.
func TestPermissionsOfTheDocs(t *testing.T) {
	t.Parallel()
	operations := map[access.Permission][]string{}
	for _, id := range access.OperationIDs() {
		if operation, _ := access.OperationOf(id); operation.Permission != "" {
			operations[operation.Permission] = append(operations[operation.Permission], "`"+id+"`")
		}
	}
	rows := []string{"| permission | viewer | member | admin | owner | operations |", "|---|---|---|---|---|---|"}
	for _, permission := range access.Permissions() {
		cells := []string{"| `" + string(permission) + "` |"}
		for _, role := range access.Roles() {
			if role.May(permission) {
				cells = append(cells, "yes |")
			} else {
				cells = append(cells, "|")
			}
		}
		rows = append(rows, strings.Join(append(cells, operations[permission]...), " ")+" |")
	}
	want := "<!-- permissions -->\n" + strings.Join(rows, "\n") + "\n<!-- /permissions -->"
	text := read(t, "docs/security.md")
	require.Contains(t, text, want, "the table should be:\n%s", want)
	for _, id := range access.OperationIDs() {
		if operation, _ := access.OperationOf(id); operation.Anyone {
			require.Contains(t, text, "`"+id+"`")
		}
	}
}
