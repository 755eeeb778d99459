package testfactory

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

// Organisation inserts an organisation beside the default one; change edits it before.
func Organisation(tb testing.TB, s *store.Store, change func(*models.Organisation)) *models.Organisation {
	tb.Helper()
	slug := "org-" + strings.ToLower(rand.Text())
	o := &models.Organisation{ID: models.NewID(), Slug: slug, Name: "Organisation " + slug}
	if change != nil {
		change(o)
	}
	require.NoError(tb, s.CreateOrganisation(context.Background(), o))
	return o
}

// APIKey inserts a key of the default organisation, whose hash is of nothing that anybody
// has; change edits it before.
func APIKey(tb testing.TB, s *store.Store, change func(*models.APIKey)) *models.APIKey {
	tb.Helper()
	k := &models.APIKey{
		ID: models.NewID(), OrganisationID: models.DefaultOrganisationID, Name: "Key " + rand.Text(),
		Role: access.Member, Hash: make([]byte, 32), HashKeyID: "test", CreatedBy: "operator",
	}
	_, err := rand.Read(k.Hash)
	require.NoError(tb, err)
	if change != nil {
		change(k)
	}
	require.NoError(tb, s.CreateAPIKey(context.Background(), k))
	return k
}

// Member makes somebody new a member of an organisation; change edits the membership, and
// who it is of, before.
func Member(tb testing.TB, s *store.Store, o *models.Organisation, role access.Role, change func(*models.Membership)) *models.Membership {
	tb.Helper()
	subject := rand.Text()
	m := &models.Membership{
		OrganisationID: o.ID, Role: role,
		User: &models.User{Issuer: "https://issuer.example", Subject: &subject, Name: "User " + subject},
	}
	if change != nil {
		change(m)
	}
	require.NoError(tb, s.AddMember(context.Background(), m))
	return m
}
