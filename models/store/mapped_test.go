package store

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
)

func TestMapped(t *testing.T) {
	t.Parallel()

	t.Run("TakesWhatASecondTryCanGetPastForUnavailable", func(t *testing.T) {
		t.Parallel()
		for name, code := range map[string]string{
			"SerializationFailure": "40001", "Deadlock": "40P01", "LockNotAvailable": "55P03", "StatementCancelled": "57014",
			"ServerShutsDown": "57P01", "ReadOnlyAfterFailover": "25006", "IdleInTransaction": "25P03",
			"InputOutput": "58030", "DiskFull": "53100", "ConnectionFailure": "08006",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				require.ErrorIs(t, mapped(fmt.Errorf("write: %w", &pgconn.PgError{Code: code})), models.ErrUnavailable)
			})
		}
		require.ErrorIs(t, mapped(sql.ErrTxDone), models.ErrUnavailable, "the transaction was rolled back under it")
	})

	t.Run("LeavesRefusedDataAlone", func(t *testing.T) {
		t.Parallel()
		for _, code := range []string{"22003", "22P05", "23514", "54001", "42703"} {
			require.NotErrorIs(t, mapped(&pgconn.PgError{Code: code}), models.ErrUnavailable, code)
		}
		require.NotErrorIs(t, mapped(context.Canceled), models.ErrUnavailable)
	})
}
