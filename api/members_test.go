package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const (
	membersPath = "/api/members"
	someIssuer  = "https://login.example"
)

// setupKeeper starts an API that makes keys and members; the bundle is an owner.
func setupKeeper(t *testing.T) *bundle {
	t.Helper()
	return setupAccess(t, func(cfg *api.Config, who *authn.Config) { cfg.Keys, cfg.Issuer = who.Keys, someIssuer })
}

func memberPath(id uuid.UUID) string { return membersPath + "/" + id.String() }

func TestMembersAreAddedAndGivenRoles(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	got := b.post(membersPath, `{"email": "Kim@shop.example", "role": "member"}`)
	kim := read[wire.Member](got, http.StatusCreated)
	require.Equal(t, memberPath(kim.ID), got.header.Get("Location"))
	require.Equal(t, []string{someIssuer, "", "Kim@shop.example", "member"}, []string{kim.Issuer, kim.Subject, kim.Email, kim.Role})
	lee := read[wire.Member](b.post(membersPath, `{"subject": "user-7", "role": "owner"}`), http.StatusCreated)
	require.Equal(t, []string{someIssuer, "user-7", "", "owner"}, []string{lee.Issuer, lee.Subject, lee.Email, lee.Role})

	require.Equal(t, []wire.Member{lee, kim}, read[wire.Page[wire.Member]](b.get(membersPath), http.StatusOK).Data)

	for body, field := range map[string]string{
		`{"email": "kim@shop.example", "role": "viewer"}`: "email",
		`{"subject": "user-7", "role": "viewer"}`:         "subject",
	} {
		p := b.post(membersPath, body).problem(http.StatusConflict, wire.CodeConflict)
		require.Equal(t, wire.FieldTaken, at(t, p, field).Code)
	}

	changed := read[wire.Member](b.patch(memberPath(kim.ID), `{"role": "admin"}`), http.StatusOK)
	require.Equal(t, "admin", changed.Role)
	require.Equal(t, changed, read[wire.Member](b.patch(memberPath(kim.ID), `{"role": "admin"}`), http.StatusOK), "which they have")

	// An organisation keeps an owner.
	b.patch(memberPath(lee.ID), `{"role": "admin"}`).problem(http.StatusConflict, wire.CodeLastOwner)
	b.remove(memberPath(lee.ID)).problem(http.StatusConflict, wire.CodeLastOwner)
	read[wire.Member](b.patch(memberPath(kim.ID), `{"role": "owner"}`), http.StatusOK)
	b.remove(memberPath(lee.ID)).is(http.StatusNoContent)
	b.remove(memberPath(lee.ID)).problem(http.StatusNotFound, wire.CodeNotFound)
	b.patch(memberPath(lee.ID), `{"role": "viewer"}`).problem(http.StatusNotFound, wire.CodeNotFound)
	left := read[wire.Page[wire.Member]](b.get(membersPath+"?include_total=true"), http.StatusOK)
	require.EqualValues(t, 1, *left.Pagination.Total)
	require.Equal(t, kim.ID, left.Data[0].ID)
}

func TestWhatIsWrongWithAMemberIsNamed(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	for body, field := range map[string]string{
		`{"role": "member"}`: "subject",
		`{"subject": "user-1", "email": "a@shop.example", "role": "member"}`:                        "email",
		`{"subject": "` + strings.Repeat("x", wire.MaxSubjectLength+1) + `", "role": "member"}`:     "subject",
		`{"email": "` + strings.Repeat("x", wire.MaxEmailLength) + `@x.example", "role": "member"}`: "email",
		`{"email": "Kim <kim@shop.example>", "role": "member"}`:                                     "email",
		`{"email": "kim", "role": "member"}`:                                                        "email",
		`{"email": "kim@shop.example"}`:                                                             "role",
		`{"email": "kim@shop.example", "role": "god"}`:                                              "role",
		`{"email": "kim@shop.example", "role": "member", "organisation_id": "x"}`:                   "organisation_id",
		`{"email": "kim@shop.example", "role": "member", "issuer": "https://mine.example"}`:         "issuer",
	} {
		at(t, b.post(membersPath, body).problem(http.StatusBadRequest, wire.CodeValidation), field)
	}
	req := b.request(http.MethodPost, membersPath, "application/json", jsonBody(t, `{"email": "kim@shop.example", "role": "member"}`))
	req.Header.Set("Idempotency-Key", "again")
	at(t, b.send(req).problem(http.StatusBadRequest, wire.CodeInvalidParams), "Idempotency-Key")
	require.Zero(t, b.count((*models.Membership)(nil)))

	member := testfactory.Member(t, b.store, b.home(), access.Owner, nil)
	for body, field := range map[string]string{`{}`: "role", `{"role": "god"}`: "role", `{"name": "x"}`: "name"} {
		at(t, b.patch(memberPath(member.UserID), body).problem(http.StatusBadRequest, wire.CodeValidation), field)
	}
	b.patch(membersPath+"/me", `{"role": "viewer"}`).problem(http.StatusBadRequest, wire.CodeInvalidParams)

	t.Run("WithoutAnIssuerThereIsNobodyToAdd", func(t *testing.T) {
		t.Parallel()
		refused := setupAccess(t, nil).post(membersPath, `{"email": "kim@shop.example", "role": "member"}`)
		require.Contains(t, refused.problem(http.StatusConflict, wire.CodeConflict).Detail, "MINO_OIDC_ISSUER")
	})
}

func TestNobodyGivesOrTakesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	home := b.home()
	owner := testfactory.Member(t, b.store, home, access.Owner, nil)
	testfactory.Member(t, b.store, home, access.Owner, nil)
	viewer := testfactory.Member(t, b.store, home, access.Viewer, nil)
	admin := b.as(b.key(home.ID, access.Admin, nil))
	narrow := b.as(b.key(home.ID, access.Owner, []access.Permission{access.WriteMembers}))

	for name, a := range map[string]*answer{
		"role":   admin.post(membersPath, `{"email": "kim@shop.example", "role": "owner"}`),
		"role ":  admin.patch(memberPath(viewer.UserID), `{"role": "owner"}`),
		"role\t": admin.patch(memberPath(owner.UserID), `{"role": "viewer"}`),
		"id":     admin.remove(memberPath(owner.UserID)),
		// A key with few scopes cannot give a role that has more.
		"role\n": narrow.post(membersPath, `{"email": "kim@shop.example", "role": "viewer"}`),
	} {
		at(t, a.problem(http.StatusForbidden, wire.CodeForbidden), strings.TrimSpace(name))
	}
	roles := map[uuid.UUID]string{}
	for _, m := range read[wire.Page[wire.Member]](b.get(membersPath), http.StatusOK).Data {
		roles[m.ID] = m.Role
	}
	require.Len(t, roles, 3)
	require.Equal(t, []string{"owner", "viewer"}, []string{roles[owner.UserID], roles[viewer.UserID]})
	read[wire.Member](admin.patch(memberPath(viewer.UserID), `{"role": "admin"}`), http.StatusOK)
}

func TestMembersComeInPages(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	want := make([]uuid.UUID, 5)
	for i := range want {
		want[len(want)-1-i] = testfactory.Member(t, b.store, b.home(), access.Member, nil).UserID
	}
	var got []uuid.UUID
	for path := membersPath + "?limit=2&include_total=true"; path != ""; {
		page := read[wire.Page[wire.Member]](b.get(path), http.StatusOK)
		require.EqualValues(t, len(want), *page.Pagination.Total)
		for _, m := range page.Data {
			got = append(got, m.ID)
		}
		path = ""
		if page.Pagination.HasMore {
			path = fmt.Sprintf("%s?limit=2&include_total=true&cursor=%s", membersPath, page.Pagination.NextCursor)
		}
	}
	require.Equal(t, want, got)
}
