package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	request := func(most int, every, patience time.Duration) models.HostRequest {
		return models.HostRequest{
			OrganisationID: models.DefaultOrganisationID, Host: uuid.NewString() + ".example", JobID: models.NewID(), Token: models.NewID(),
			Most: most, Every: every, Lease: time.Hour, Patience: patience,
		}
	}
	next := func(r models.HostRequest) models.HostRequest {
		r.JobID, r.Token = models.NewID(), models.NewID()
		return r
	}
	acquire := func(t *testing.T, s *store.Store, r models.HostRequest) models.HostGrant {
		t.Helper()
		grant, err := s.AcquireHost(t.Context(), r)
		require.NoError(t, err)
		return grant
	}

	t.Run("As many as may use a host at once", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		first := request(2, 0, time.Second)
		second := next(first)
		require.Equal(t, models.HostGrant{Granted: true}, acquire(t, s, first))
		require.True(t, acquire(t, s, second).Granted)
		third := next(first)
		refused := acquire(t, s, third)
		require.False(t, refused.Granted)
		require.Positive(t, refused.Wait)
		other := next(first)
		other.Host = "other." + first.Host
		require.True(t, acquire(t, s, other).Granted)
		require.NoError(t, s.ReleaseHost(t.Context(), first.JobID, models.NewID()))
		require.False(t, acquire(t, s, third).Granted, "only whoever has it gives it back")
		require.NoError(t, s.ReleaseHost(t.Context(), first.JobID, first.Token))
		require.True(t, acquire(t, s, third).Granted)
	})

	t.Run("A later attempt takes the place of the one before", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		first := request(1, 0, time.Second)
		again := first
		again.Token = models.NewID()
		require.True(t, acquire(t, s, first).Granted)
		require.True(t, acquire(t, s, again).Granted)
		require.NoError(t, s.ReleaseHost(t.Context(), first.JobID, first.Token))
		require.False(t, acquire(t, s, next(first)).Granted)
	})

	t.Run("A lease that ran out holds nobody back", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		dead := request(1, 0, time.Second)
		dead.Lease = -time.Second
		require.True(t, acquire(t, s, dead).Granted)
		require.True(t, acquire(t, s, next(dead)).Granted)
	})

	t.Run("Turns are apart, and only near ones are kept", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		first := request(0, time.Hour, 90*time.Minute)
		require.Zero(t, acquire(t, s, first).Wait)
		second := acquire(t, s, next(first))
		require.True(t, second.Granted)
		require.InDelta(t, time.Hour.Seconds(), second.Wait.Seconds(), 60)
		third := acquire(t, s, next(first))
		require.False(t, third.Granted)
		require.InDelta(t, (2 * time.Hour).Seconds(), third.Wait.Seconds(), 60)
		require.Equal(t, third.Granted, acquire(t, s, next(first)).Granted, "who is refused has taken no turn")
	})

	t.Run("Never more at once, whoever asks at once", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		first := request(3, 0, time.Second)
		var granted atomic.Int64
		var asking sync.WaitGroup
		for range 24 {
			asking.Go(func() {
				grant, err := s.AcquireHost(context.WithoutCancel(t.Context()), next(first))
				if err == nil && grant.Granted {
					granted.Add(1)
				}
			})
		}
		asking.Wait()
		require.Equal(t, int64(3), granted.Load())
	})
}

func TestFilesAndSecrets(t *testing.T) {
	t.Parallel()

	t.Run("A file of a kind is kept once, for a running attempt", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		for _, data := range []string{"first", "second"} {
			require.NoError(t, f.store.KeepFiles(t.Context(), a, []models.SessionFile{{Kind: "screenshot", ContentType: "image/png", Data: []byte(data)}}))
		}
		file, err := f.store.SessionFile(t.Context(), a.OrganisationID, a.SessionID, "screenshot")
		require.NoError(t, err)
		require.Equal(t, "second", string(file.Data))
		_, err = f.store.SessionFile(t.Context(), models.NewID(), a.SessionID, "screenshot")
		require.ErrorIs(t, err, models.ErrNotFound)
		kinds, err := f.store.FilesOf(t.Context(), a.OrganisationID, []uuid.UUID{a.SessionID})
		require.NoError(t, err)
		require.Equal(t, map[uuid.UUID][]string{a.SessionID: {"screenshot"}}, kinds)
		f.begin(t, 0)
		require.ErrorIs(t, f.store.KeepFiles(t.Context(), a, []models.SessionFile{{Kind: "screenshot", ContentType: "image/png", Data: []byte("x")}}),
			models.ErrStaleAttempt)
	})

	t.Run("Secrets are put, replaced and dropped with their project", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		p, err := f.store.Project(t.Context(), f.project.OrganisationID, f.project.ID)
		require.NoError(t, err)
		require.Equal(t, []string{}, p.SecretNames)
		secret := func(name, sealed string) models.Secret {
			return models.Secret{OrganisationID: p.OrganisationID, ProjectID: p.ID, Name: name, KeyID: "k1", Sealed: []byte(sealed)}
		}
		require.NoError(t, f.store.UpdateProject(t.Context(), p, models.SecretEdit{Put: []models.Secret{secret("b", "1"), secret("a", "2")}}))
		require.Equal(t, []string{"a", "b"}, p.SecretNames)
		stale := *p
		require.NoError(t, f.store.UpdateProject(t.Context(), p, models.SecretEdit{Put: []models.Secret{secret("b", "3")}, Drop: []string{"a"}}))
		require.ErrorIs(t, f.store.UpdateProject(t.Context(), &stale, models.SecretEdit{Drop: []string{"b"}}), models.ErrVersionMismatch)
		p, err = f.store.Project(t.Context(), p.OrganisationID, p.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"b"}, p.SecretNames)
		secrets, err := f.store.Secrets(t.Context(), p.OrganisationID, p.ID, []string{"a", "b"})
		require.NoError(t, err)
		require.Len(t, secrets, 1)
		require.Equal(t, "3", string(secrets[0].Sealed))
		none, err := f.store.Secrets(t.Context(), models.NewID(), p.ID, []string{"b"})
		require.NoError(t, err)
		require.Empty(t, none)

		sealed := secrets[0]
		sealed.KeyID, sealed.Sealed = "k2", []byte("4")
		require.NoError(t, f.store.Reseal(t.Context(), secrets[0], sealed))
		require.NoError(t, f.store.Reseal(t.Context(), secrets[0], secrets[0]), "it was changed meanwhile")
		left, err := f.store.SecretsNotOf(t.Context(), "k2", 10)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}
