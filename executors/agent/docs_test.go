package agent

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/field"
)

func TestTheDocumentTellsOfEverySettingAndCode(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/agent.md")
	require.NoError(t, err)
	text := string(content)
	for _, of := range []reflect.Type{reflect.TypeFor[Settings](), reflect.TypeFor[Proxy]()} {
		for member := range of.Fields() {
			name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
			require.Contains(t, text, "`"+name+"`")
		}
	}
	for code := range classes {
		if code != "CANCELLED" { // told as a run's state
			require.Contains(t, text, "`"+code+"`")
		}
	}
	for _, code := range []string{
		CodeRunFailed, CodeRunCancelled, CodeRunLost, CodeRunUnknown, CodeAnswerTooLarge, CodeAnswerUnreadable,
		CodeRedirected, CodeDeadline, CodeInvalidSettings, CodeMissingColumn, CodeMissingSecret, categoryAgent, categoryBilling,
	} {
		require.Contains(t, text, "`"+code+"`")
	}
	require.Contains(t, text, "`"+strings.Join(schemaKeywords[:4], " "))

	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(text)
	require.NotNil(t, example)
	var project struct {
		Instruction string          `json:"instruction"`
		Executor    string          `json:"executor"`
		Fields      []field.Field   `json:"fields"`
		Settings    json.RawMessage `json:"settings"`
	}
	require.NoError(t, json.Unmarshal([]byte(example[1]), &project))
	require.Equal(t, Name, project.Executor)
	require.NoError(t, field.ValidateAll(project.Fields))
	require.NoError(t, New(Config{APIKey: "key"}).Validate(executors.Spec{
		Instruction: project.Instruction, Fields: project.Fields, Settings: project.Settings, Inputs: []string{"sku"},
	}))
}
