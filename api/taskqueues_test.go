package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// TestTaskQueuesOfProjects holds that a project names no task queue that is MINO's own, or
// that its organisation may not use.
func TestTaskQueuesOfProjects(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, func(cfg *api.Config, _ *authn.Config) {
		cfg.Executors = executors.NewRegistry(activity.New("mino", "mino-agent"))
	})
	organisation := func(queues []string) *bundle {
		o := testfactory.Organisation(t, b.store, func(o *models.Organisation) { o.TaskQueues = queues })
		return b.as(b.key(o.ID, access.Member, nil))
	}
	body := func(queue string) string {
		return fmt.Sprintf(`{"name": %q, "instruction": "Read.", "executor": "activity", "fields": [{"name": "price"}],
			"settings": {"activity_type": "Read", "task_queue": %q}}`, uuid.NewString(), queue)
	}
	for _, test := range []struct {
		allowed []string
		queue   string
		refused string
	}{
		{nil, "scrapers", ""},
		{nil, "mino", "is one of MINO's own"},
		{[]string{"mino-agent"}, "mino-agent", "is one of MINO's own"},
		{[]string{"scrapers"}, "scrapers", ""},
		{[]string{"scrapers"}, "others", "is not one that the organisation may use"},
		{[]string{}, "scrapers", "is not one that the organisation may use"},
	} {
		who := organisation(test.allowed)
		made := who.post("/api/projects", body(test.queue))
		if test.refused == "" {
			made.is(http.StatusCreated)
			continue
		}
		refusal := made.problem(http.StatusBadRequest, wire.CodeValidation)
		require.Len(t, refusal.Errors, 1)
		require.Equal(t, "settings.task_queue", refusal.Errors[0].Field)
		require.Equal(t, "FORBIDDEN", refusal.Errors[0].Code)
		require.Contains(t, refusal.Errors[0].Message, test.refused)
	}
	who := organisation([]string{"scrapers"})
	project := read[wire.Project](who.post("/api/projects", body("scrapers")), http.StatusCreated)
	who.patch("/api/projects/"+project.ID.String(), `{"settings": {"activity_type": "Read", "task_queue": "others"}}`).
		problem(http.StatusBadRequest, wire.CodeValidation)
}
