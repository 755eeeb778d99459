package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/models/tenant"
)

// TestAuditIsFoundByItsIndexes: what is rare in a log that only grows is found without going
// through it.
func TestAuditIsFoundByItsIndexes(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	_, err := db.ExecContext(t.Context(), `
		INSERT INTO audit_log (id, organisation_id, created_at, actor_kind, actor_id, operation, target_type, target_id, outcome)
		SELECT gen_random_uuid(), ?, now() - make_interval(mins => n), 'key', 'actor ' || n % 500, 'updateProject', 'project', 'target ' || n % 500, 'done'
		FROM generate_series(1, 20000) AS n`, models.DefaultOrganisationID)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "VACUUM (ANALYZE) audit_log")
	require.NoError(t, err)
	asked := &statements{}
	scoped := testkit.Scoped(t, db).WithQueryHook(asked)
	s := store.New(scoped)
	now := time.Now()
	for index, c := range map[string]struct {
		filter models.AuditFilter
		rows   int
	}{
		"audit_log_target_idx":       {models.AuditFilter{TargetID: "target 7"}, 40},
		"audit_log_actor_idx":        {models.AuditFilter{ActorID: "actor 7"}, 40},
		"audit_log_created_idx":      {models.AuditFilter{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour)}, 50},
		"audit_log_organisation_idx": {models.AuditFilter{}, 50},
	} {
		found, err := s.ListAudit(t.Context(), models.DefaultOrganisationID, c.filter, models.Page{Limit: 50})
		require.NoError(t, err)
		require.Len(t, found, c.rows, index)
		var lines []string
		require.NoError(t, scoped.NewRaw("EXPLAIN "+asked.last).Scan(tenant.With(t.Context(), models.DefaultOrganisationID), &lines))
		require.Contains(t, strings.Join(lines, "\n"), index)
	}
}
