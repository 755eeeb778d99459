package api_test

import (
	"net/http"
	"testing"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/access"
)

func TestNoBatchIsDeletedByItsProjectWithoutTheScope(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	project := b.project()
	batch := b.batch(project, 2)
	path := "/api/projects/" + project.ID.String() + "?cascade=true"
	with := func(scopes ...access.Permission) *bundle { return b.as(b.key(b.home().ID, access.Owner, scopes)) }

	with(access.WriteProjects).remove(path).problem(http.StatusForbidden, wire.CodeForbidden)
	b.get("/api/batches/" + batch.ID.String()).is(http.StatusOK)
	with(access.WriteProjects, access.WriteBatches).remove(path).is(http.StatusNoContent)
	b.get("/api/batches/" + batch.ID.String()).is(http.StatusNotFound)

	alone := b.project()
	with(access.WriteProjects).remove("/api/projects/" + alone.ID.String()).is(http.StatusNoContent)
}
