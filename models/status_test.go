package models_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/retry"
)

type status interface {
	~string
	comparable
}

// reachable lists every status that can be come to from the first.
func reachable[S status](all []S, sources func(S) []S) []S {
	seen := []S{all[0]}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if !slices.Contains(seen, s) && slices.ContainsFunc(sources(s), func(from S) bool { return slices.Contains(seen, from) }) {
				seen, grown = append(seen, s), true
			}
		}
	}
	return seen
}

func successors[S status](all []S, sources func(S) []S, of S) []S {
	var out []S
	for _, s := range all {
		if slices.Contains(sources(s), of) {
			out = append(out, s)
		}
	}
	return out
}

func TestStatuses(t *testing.T) {
	t.Parallel()

	t.Run("AreAllReachableFromTheFirst", func(t *testing.T) {
		t.Parallel()
		require.ElementsMatch(t, models.ExecutionStatuses(), reachable(models.ExecutionStatuses(), models.ExecutionStatus.Sources))
		require.ElementsMatch(t, models.JobStatuses(), reachable(models.JobStatuses(), models.JobStatus.Sources))
		require.ElementsMatch(t, models.SessionStatuses(), reachable(models.SessionStatuses(), models.SessionStatus.Sources))
	})

	t.Run("HaveNoSuccessorOnceTheyAreTerminalAndOneBefore", func(t *testing.T) {
		t.Parallel()
		for _, s := range models.ExecutionStatuses() {
			require.Equal(t, s.Terminal(), len(successors(models.ExecutionStatuses(), models.ExecutionStatus.Sources, s)) == 0, s)
			require.NotEqual(t, s.Terminal(), slices.Contains(models.ActiveExecutionStatuses(), s), s)
		}
		for _, s := range models.JobStatuses() {
			next := successors(models.JobStatuses(), models.JobStatus.Sources, s)
			if s.Terminal() {
				require.Equal(t, []models.JobStatus{models.JobQueued}, next, "%s: only another execution takes it back", s)
			} else {
				require.NotEmpty(t, next, s)
			}
		}
		for _, s := range models.SessionStatuses() {
			require.Equal(t, s != models.SessionRunning, len(successors(models.SessionStatuses(), models.SessionStatus.Sources, s)) == 0, s)
		}
	})

	t.Run("KeepTheirSourcesToThemselves", func(t *testing.T) {
		t.Parallel()
		models.JobRunning.Sources()[0] = models.JobCompleted
		require.NotContains(t, models.JobRunning.Sources(), models.JobCompleted)
	})
}

// checked reads the list that a CHECK of the migrations allows.
func checked(t *testing.T, constraint string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "migrations", "*.up.sql"))
	require.NoError(t, err)
	var sql []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		sql = append(sql, text...)
	}
	found := regexp.MustCompile(`(?s)CONSTRAINT ` + constraint + ` CHECK \(\w+ IN \(([^)]*)\)\)`).FindSubmatch(sql)
	require.NotNil(t, found, constraint)
	var out []string
	for value := range strings.SplitSeq(string(found[1]), ",") {
		out = append(out, strings.Trim(value, " '\n"))
	}
	return out
}

func texts[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for constraint, want := range map[string][]string{
		"executions_status_check":     texts(models.ExecutionStatuses()),
		"executions_type_check":       texts([]models.ExecutionType{models.ExecutionTest, models.ExecutionProduction}),
		"executions_preset_check":     texts(retry.Presets()),
		"jobs_status_check":           texts(models.JobStatuses()),
		"jobs_error_class_check":      texts(failure.Classes()),
		"sessions_status_check":       texts(models.SessionStatuses()),
		"sessions_error_class_check":  texts(failure.Classes()),
		"execution_events_type_check": texts(models.EventTypes()),
	} {
		require.ElementsMatch(t, want, checked(t, constraint), "%s and the Go list are one", constraint)
	}
	require.ElementsMatch(t, checked(t, "jobs_verdict_check"), checked(t, "sessions_verdict_check"))
}
