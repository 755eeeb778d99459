package store_test

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

// ticket inserts a ticket that ends after a time.
func ticket(t *testing.T, s *store.Store, life time.Duration) *models.StreamTicket {
	t.Helper()
	one := &models.StreamTicket{
		Hash: make([]byte, 32), OrganisationID: models.DefaultOrganisationID, ExpiresAt: time.Now().Add(life),
		Principal: access.Principal{
			Kind: access.KindUser, ID: rand.Text(), Organisation: models.DefaultOrganisationID, Role: access.Viewer,
			Scopes: []access.Permission{access.ReadExecutions},
		},
	}
	_, err := rand.Read(one.Hash)
	require.NoError(t, err)
	require.NoError(t, s.CreateTicket(t.Context(), one))
	return one
}

func TestTickets(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)

	t.Run("AreTakenOnceByWhoeverComesFirst", func(t *testing.T) {
		t.Parallel()
		made := ticket(t, s, time.Minute)
		var wg sync.WaitGroup
		taken := make([]*models.StreamTicket, 4)
		errs := make([]error, len(taken))
		for i := range taken {
			wg.Go(func() { taken[i], errs[i] = s.TakeTicket(t.Context(), made.Hash) })
		}
		wg.Wait()
		got := 0
		for i := range taken {
			if errs[i] == nil {
				got++
				require.Equal(t, made.Principal, taken[i].Principal)
				require.Equal(t, made.OrganisationID, taken[i].OrganisationID)
			} else {
				require.ErrorIs(t, errs[i], models.ErrNotFound)
			}
		}
		require.Equal(t, 1, got)
	})

	t.Run("AreNothingWhenTheirTimeIsOver", func(t *testing.T) {
		t.Parallel()
		over, good := ticket(t, s, -time.Second), ticket(t, s, time.Minute)
		_, err := s.TakeTicket(t.Context(), over.Hash)
		require.ErrorIs(t, err, models.ErrNotFound)
		forgotten := ticket(t, s, -time.Second)
		require.NoError(t, s.ForgetTickets(t.Context()))
		n, err := db.NewSelect().Model((*models.StreamTicket)(nil)).Where("hash = ?", forgotten.Hash).Count(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		_, err = s.TakeTicket(t.Context(), good.Hash)
		require.NoError(t, err)
	})
}
