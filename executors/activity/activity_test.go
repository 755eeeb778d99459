package activity_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings string
		names    string // the setting that is wrong; empty when none is
	}{
		"TakesTypeAndQueue":          {`{"activity_type":"ReadPrice","task_queue":"scrapers"}`, ""},
		"TakesEverything":            {`{"activity_type":"a","task_queue":"q","heartbeat_timeout_ms":5000,"start_timeout_ms":60000,"input":{"depth":2}}`, ""},
		"NeedsAnActivityType":        {`{"task_queue":"q"}`, "activity_type"},
		"NeedsATaskQueue":            {`{"activity_type":"a"}`, "task_queue"},
		"RefusesWhiteSpaceAround":    {`{"activity_type":" a","task_queue":"q"}`, "activity_type"},
		"RefusesAShortHeartbeat":     {`{"activity_type":"a","task_queue":"q","heartbeat_timeout_ms":0}`, "heartbeat_timeout_ms"},
		"RefusesALongStart":          {`{"activity_type":"a","task_queue":"q","start_timeout_ms":86400001}`, "start_timeout_ms"},
		"RefusesInputThatIsNoObject": {`{"activity_type":"a","task_queue":"q","input":[1]}`, "input"},
		"RefusesUnknownSettings":     {`{"activity_type":"a","task_queue":"q","queue":"x"}`, "queue"},
		"RefusesAWrongType":          {`{"activity_type":1,"task_queue":"q"}`, "activity_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := activity.New().Validate(executors.Spec{Settings: json.RawMessage(test.settings), Fields: []field.Field{{Name: "price", Type: field.TypeMoney}}})
			if test.names == "" {
				require.NoError(t, err)
				return
			}
			var errs, settings validation.Errors
			require.ErrorAs(t, err, &errs)
			require.ErrorAs(t, errs["settings"], &settings)
			require.Contains(t, settings, test.names)
		})
	}

	t.Run("RefusesRulesOfExtraction", func(t *testing.T) {
		t.Parallel()
		err := activity.New().Validate(executors.Spec{
			Settings: json.RawMessage(`{"activity_type":"a","task_queue":"q"}`),
			Fields:   []field.Field{{Name: "price", Extract: &field.Extract{CSS: ".price"}}},
		})
		var errs validation.Errors
		require.ErrorAs(t, err, &errs)
		require.Contains(t, errs, "fields")
	})

	t.Run("RefusesSettingsThatAreMissing", func(t *testing.T) {
		t.Parallel()
		require.Error(t, activity.New().Validate(executors.Spec{}))
	})
}

func TestCall(t *testing.T) {
	t.Parallel()
	call, err := activity.New().Call(json.RawMessage(`{"activity_type":"a","task_queue":"q","heartbeat_timeout_ms":5000,"input":{"depth":2}}`), nil)
	require.NoError(t, err)
	require.Equal(t, executors.Call{
		ActivityType: "a", TaskQueue: "q", HeartbeatTimeout: 5 * time.Second, Input: json.RawMessage(`{"depth":2}`),
	}, call)
}

func TestExecute(t *testing.T) {
	t.Parallel()
	_, err := activity.New().Execute(t.Context(), executors.Request{})
	require.Equal(t, failure.Permanent, failure.Classify(err).Class)
}

func TestQueues(t *testing.T) {
	t.Parallel()
	executor := activity.New("mino", "mino-agent")
	for _, test := range []struct {
		queue   string
		allowed []string
		refused string
	}{
		{"mino", nil, "is one of MINO's own"},
		{"mino-agent", []string{"mino-agent"}, "is one of MINO's own"},
		{"scrapers", nil, ""},
		{"scrapers", []string{"others", "scrapers"}, ""},
		{"scrapers", []string{"others"}, "is not one that the organisation may use"},
		{"scrapers", []string{}, "is not one that the organisation may use"},
	} {
		settings := json.RawMessage(`{"activity_type":"a","task_queue":"` + test.queue + `"}`)
		valid := executor.Validate(executors.Spec{Settings: settings, TaskQueues: test.allowed})
		_, called := executor.Call(settings, test.allowed)
		if test.refused == "" {
			require.NoError(t, errors.Join(valid, called))
			continue
		}
		require.ErrorContains(t, valid, "settings: (task_queue: "+test.refused)
		require.ErrorContains(t, called, "task_queue: "+test.refused, "an old record is refused when its execution begins")
	}
}
