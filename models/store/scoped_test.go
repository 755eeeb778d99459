package store_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models/tenant"
)

// Whatever is cancelled, refused, left open or rolled back on the connections that all
// share, a statement is of the scope of its context, or is not carried out.
func TestEveryStatementIsOfItsOwnScope(t *testing.T) {
	t.Parallel()
	const callers, calls = 8, 60
	db := testkit.Scoped(t, testkit.Database(t))
	db.SetMaxOpenConns(3)
	db.SetMaxIdleConns(2)
	organisations := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	var answered atomic.Int64
	var wrong atomic.Pointer[[2][2]string] // what was wanted, and what PostgreSQL had

	look := func(ctx context.Context, on bun.IDB, scope tenant.Scope) error {
		var role, organisation string
		// Slow now and then, so that some are cancelled on the way.
		err := on.NewRaw(`SELECT current_user::text, COALESCE(mino_organisation()::text, '') FROM pg_sleep(?)`, rand.Float64()/500).
			Scan(ctx, &role, &organisation)
		if err != nil {
			return err
		}
		want := map[tenant.Kind][2]string{
			tenant.Nobody: {"mino_app", ""}, tenant.Organisation: {"mino_app", scope.ID.String()}, tenant.System: {"mino_system", ""},
		}[scope.Kind]
		if got := [2]string{role, organisation}; got != want {
			wrong.Store(&[2][2]string{want, got})
		}
		answered.Add(1)
		return nil
	}
	call := func(ctx context.Context) {
		scope := tenant.From(ctx)
		if rand.IntN(3) == 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
			defer cancel()
		}
		switch rand.IntN(5) {
		case 0:
			_ = look(ctx, db, scope)
		case 1:
			_, _ = db.ExecContext(ctx, "SELECT 1/0")
			_ = look(ctx, db, scope)
		case 2:
			rows, err := db.QueryContext(ctx, "SELECT generate_series(1, 10000)")
			if err != nil {
				return
			}
			defer rows.Close()
			rows.Next() // and no more of them
			_ = rows.Err()
		case 3:
			_ = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				if err := look(ctx, tx, scope); err != nil {
					return err
				}
				if rand.IntN(2) == 0 {
					_, err := tx.ExecContext(ctx, "SELECT 1/0")
					return err
				}
				return look(ctx, tx, scope)
			})
		case 4:
			conn, err := db.Conn(ctx)
			if err != nil {
				return
			}
			_ = look(ctx, conn, scope)
			tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
			if err == nil {
				_ = errors.Join(look(ctx, tx, scope), tx.Rollback())
			}
			_ = errors.Join(look(ctx, conn, scope), conn.Close())
		}
	}

	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range calls {
				ctx := t.Context()
				switch n := rand.IntN(len(organisations) + 2); {
				case n < len(organisations):
					ctx = tenant.With(ctx, organisations[n])
				case n == len(organisations):
					ctx = tenant.AsSystem(ctx)
				}
				call(ctx)
			}
		})
	}
	all.Wait()
	require.Nil(t, wrong.Load())
	require.Positive(t, answered.Load())
}
