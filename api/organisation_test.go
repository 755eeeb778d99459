package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const organisationPath = "/api/organisation"

func TestCallersAreToldWhoTheyAre(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	text, key := b.keyOf(models.DefaultOrganisationID, func(k *models.APIKey) {
		k.Role, k.Scopes = access.Member, []access.Permission{access.ReadProjects, access.RunExecutions}
	})
	own := b.home()
	ref := wire.OrganisationRef{ID: own.ID, Slug: own.Slug, Name: own.Name}
	require.Equal(t, wire.Me{
		Kind: "key", ID: key.ID.String(), Name: key.Name, Organisation: ref, Role: "member",
		Permissions: []string{"executions:run", "projects:read"},
	}, read[wire.Me](b.as(text).get("/api/me"), http.StatusOK))
	require.Equal(t, []wire.OwnOrganisation{{OrganisationRef: ref, Role: "member"}},
		read[wire.Page[wire.OwnOrganisation]](b.as(text).get("/api/organisations"), http.StatusOK).Data)
	at(t, b.get("/api/me?of=others").problem(http.StatusBadRequest, wire.CodeInvalidParams), "of")

	t.Run("WhereNobodyIsAsked", func(t *testing.T) {
		t.Parallel()
		open := setup(t, nil)
		me := read[wire.Me](open.get("/api/me"), http.StatusOK)
		require.Equal(t, []string{"anonymous", "", "owner"}, []string{me.Kind, me.ID, me.Role})
		require.Len(t, me.Permissions, len(access.Permissions()))
		require.Len(t, read[wire.Page[wire.OwnOrganisation]](open.get("/api/organisations"), http.StatusOK).Data, 1)
		open.post("/api/tickets", `{}`).problem(http.StatusConflict, wire.CodeConflict)
	})
	t.Run("PeopleOfSeveralOrganisations", func(t *testing.T) {
		t.Parallel()
		b, issuer := setupIssuer(t, nil)
		token, m := b.person(issuer, b.home(), access.Admin, nil)
		other := testfactory.Organisation(t, b.store, nil)
		testfactory.Organisation(t, b.store, nil) // somebody else's
		require.NoError(t, b.store.AddMember(t.Context(), &models.Membership{
			OrganisationID: other.ID, Role: access.Owner, User: &models.User{Issuer: m.User.Issuer, Subject: m.User.Subject},
		}))
		req := b.as(token).request(http.MethodGet, "/api/organisations", "", nil)
		req.Header.Set("Mino-Organisation", other.Slug)
		roles := map[uuid.UUID]string{}
		for _, o := range read[wire.Page[wire.OwnOrganisation]](b.send(req), http.StatusOK).Data {
			roles[o.ID] = o.Role
		}
		require.Equal(t, map[uuid.UUID]string{models.DefaultOrganisationID: "admin", other.ID: "owner"}, roles)
	})
}

func TestOrganisationIsShownAndRenamed(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	stored := testfactory.Organisation(t, b.store, func(o *models.Organisation) {
		o.ExternalID = new("org_1")
		o.RequestsPerMinute, o.MaxRunningExecutions, o.MaxConcurrentJobs, o.MaxJobsPerDay = new(600), new(3), new(40), new(int64(5_000))
		o.TaskQueues = []string{"ours"}
	})
	b = b.as(b.key(stored.ID, access.Owner, nil))
	e := b.execution(b.batch(b.project(), 3))

	got := b.get(organisationPath)
	shown := read[wire.Organisation](got, http.StatusOK)
	require.Equal(t, `"1"`, got.header.Get("ETag"))
	require.Equal(t, []any{stored.ID, stored.Slug, stored.Name, "org_1", int64(1)},
		[]any{shown.ID, shown.Slug, shown.Name, shown.ExternalID, shown.Version})
	require.Equal(t, wire.Limits{
		RequestsPerMinute: new(600), MaxRunningExecutions: new(3), MaxConcurrentJobs: new(40), MaxJobsPerDay: new(int64(5_000)),
		TaskQueues: []string{"ours"},
	}, shown.Limits)
	require.Equal(t, &wire.Usage{RunningExecutions: 1, ConcurrentJobs: e.Concurrency, JobsToday: 3}, shown.Usage)

	got = b.patch(organisationPath, `{"name": " Second "}`, "If-Match", `"1"`)
	renamed := read[wire.Organisation](got, http.StatusOK)
	require.Equal(t, []any{"Second", int64(2), `"2"`}, []any{renamed.Name, renamed.Version, got.header.Get("ETag")})
	require.Equal(t, renamed, read[wire.Organisation](b.patch(organisationPath, `{}`), http.StatusOK), "nothing is no edit")
	b.patch(organisationPath, `{"name": "Third"}`, "If-Match", `"1"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	for name, body := range map[string]string{
		"blank": `{"name": " "}`, "too long": `{"name": "` + strings.Repeat("x", wire.MaxNameLength+1) + `"}`,
	} {
		at(t, b.patch(organisationPath, body).problem(http.StatusBadRequest, wire.CodeValidation), "name")
		require.Equal(t, renamed, read[wire.Organisation](b.get(organisationPath), http.StatusOK), name)
	}
	// What is the operator's to say is not taken.
	for _, member := range []string{"slug", "limits", "external_id", "max_jobs_per_day"} {
		at(t, b.patch(organisationPath, `{"`+member+`": "1"}`).problem(http.StatusBadRequest, wire.CodeValidation), member)
	}
	require.Equal(t, renamed, read[wire.Organisation](b.get(organisationPath), http.StatusOK))
}
