package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestRunProject(t *testing.T) {
	t.Parallel()

	run := func(t *testing.T, api *fakeAPI, project string) (string, error) {
		t.Helper()
		csvPath, yamlPath := files(t)
		if project == "" {
			project = yamlPath
		}
		var errs strings.Builder
		cmd := RunCmd{File: csvPath, Project: project, Connection: Connection{API: api.URL}, Wait: true}
		err := cmd.Run(t.Context(), fast(&strings.Builder{}, &errs))
		return errs.String(), err
	}

	t.Run("TheSameIsReused", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.projects = []wire.Project{shopProject()}
		said, err := run(t, api, "")
		require.NoError(t, err)
		require.Contains(t, said, `Project "Shop": used as it is`)
		require.Empty(t, api.patches)
		require.Len(t, api.projects, 1)
	})

	t.Run("WhatDiffersIsUpdated", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		have := shopProject()
		have.Fields[0].Required = true
		have.Settings = json.RawMessage(`{"max_bytes": 5}`)
		api.projects = []wire.Project{have}
		said, err := run(t, api, "")
		require.NoError(t, err)
		require.Contains(t, said, `Project "Shop": updated: fields, settings`)
		want := shopProject().Fields
		require.Equal(t, []wire.ProjectPatch{{Fields: &want, Settings: json.RawMessage(`{}`)}}, api.patches)
	})

	t.Run("OnlyTheNameDiffersInCase", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		have := shopProject()
		have.Name = "SHOP"
		api.projects = []wire.Project{have}
		said, err := run(t, api, "")
		require.NoError(t, err)
		require.Contains(t, said, "updated: name")
		require.Len(t, api.projects, 1)
	})

	t.Run("ARaceIsRunAgain", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.refuseOnce("POST /api/projects", func(w http.ResponseWriter, r *http.Request) {
			api.projects = []wire.Project{shopProject()}
			problem(http.StatusConflict, "CONFLICT", "The name is taken.")(w, r)
		})
		said, err := run(t, api, "")
		require.NoError(t, err)
		require.Contains(t, said, "used as it is")
	})

	t.Run("AConflictThatStaysIsReported", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.refuse["POST /api/projects"] = problem(http.StatusConflict, "CONFLICT", "No.")
		_, err := run(t, api, "")
		requireCode(t, ExitRefused, err)
		require.ErrorContains(t, err, "could not write the project Shop: No. (CONFLICT)")
	})

	t.Run("ByName", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.projects = []wire.Project{shopProject()}
		_, err := run(t, api, "Shop")
		require.NoError(t, err)
		require.Equal(t, api.projects[0].ID, api.batch.ProjectID)
	})

	t.Run("AnUnknownNameListsTheKnown", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.projects = []wire.Project{shopProject()}
		_, err := run(t, api, "Shpo")
		requireCode(t, ExitRefused, err)
		require.EqualError(t, err, `there is no project "Shpo"; there are: Shop`)
		require.Nil(t, api.upload)
	})
}
