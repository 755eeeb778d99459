package migrations_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestMigrations(t *testing.T) {
	t.Parallel()

	t.Run("GoUpAllTheWayDownAndUpAgain", func(t *testing.T) {
		t.Parallel()
		db := testkit.EmptyDatabase(t)
		require.ErrorIs(t, migrations.Check(t.Context(), db), migrations.ErrPending)
		up, err := migrations.Up(t.Context(), db)
		require.NoError(t, err)
		require.NotEmpty(t, up)
		require.NoError(t, migrations.Check(t.Context(), db))

		var organisation models.Organisation
		require.NoError(t, db.NewSelect().Model(&organisation).Scan(t.Context()))
		require.Equal(t, models.DefaultOrganisationID, organisation.ID)
		require.Equal(t, "default", organisation.Slug)

		down, err := migrations.Down(t.Context(), db)
		require.NoError(t, err)
		require.Len(t, down, len(up))
		require.ErrorIs(t, migrations.Check(t.Context(), db), migrations.ErrPending)
		var tables []string
		require.NoError(t, db.NewRaw(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'bun_%'`).Scan(t.Context(), &tables))
		require.Empty(t, tables, "down takes back everything that up made")

		_, err = migrations.Up(t.Context(), db)
		require.NoError(t, err)
		again, err := migrations.Up(t.Context(), db)
		require.NoError(t, err)
		require.Empty(t, again)
		all, err := migrations.Status(t.Context(), db)
		require.NoError(t, err)
		for _, m := range all {
			require.False(t, m.AppliedAt.IsZero(), m.Name)
		}
	})

	t.Run("GoOnAfterADeathBetweenTheChangeAndItsMark", func(t *testing.T) {
		t.Parallel()
		db := testkit.EmptyDatabase(t)
		up, err := migrations.Up(t.Context(), db)
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), `DELETE FROM bun_migrations`)
		require.NoError(t, err)
		again, err := migrations.Up(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, up, again)
		require.NoError(t, migrations.Check(t.Context(), db))
	})

	t.Run("AreAppliedOnceWhenManyProcessesTry", func(t *testing.T) {
		t.Parallel()
		db := testkit.EmptyDatabase(t)
		var (
			wg      sync.WaitGroup
			mu      sync.Mutex
			applied int
			errs    []error
		)
		for range 4 {
			wg.Go(func() {
				names, err := migrations.Up(t.Context(), db)
				mu.Lock()
				defer mu.Unlock()
				applied += len(names)
				if err != nil {
					errs = append(errs, err)
				}
			})
		}
		wg.Wait()
		require.Empty(t, errs)
		all, err := migrations.Status(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, len(all), applied)
	})
}
