package fetch_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/field"
)

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// The projects in the documentation are accepted.
func TestProjectsOfTheDocsAreValid(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "fetch.md"))
	require.NoError(t, err)
	blocks := jsonBlock.FindAllSubmatch(text, -1)
	require.Len(t, blocks, 4)
	for _, block := range blocks {
		var project struct {
			Executor string          `json:"executor"`
			Settings json.RawMessage `json:"settings"`
			Fields   []field.Field   `json:"fields"`
		}
		require.NoError(t, json.Unmarshal(block[1], &project), "%s", block[1])
		require.Equal(t, fetch.Name, project.Executor)
		require.NoError(t, field.ValidateAll(project.Fields))
		require.NoError(t, newExecutor(t).Validate(executors.Spec{
			Settings: project.Settings, Fields: project.Fields, Inputs: []string{"sku", "handle", "product"}, Secrets: []string{"token"},
		}), "%s", block[1])
	}
}
