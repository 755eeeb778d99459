package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models/tenant"
)

var (
	// ErrNoRoles is that the roles of MINO are not there, since no migration has made them.
	ErrNoRoles = errors.New("the roles " + roleApp + " and " + roleSystem + " do not exist")
	// ErrNotInRoles is that the login of the database URL may not take them.
	ErrNotInRoles = errors.New("the login may not take the roles of MINO; whoever owns them runs: GRANT " +
		roleApp + ", " + roleSystem + " TO the login")
)

// The states of PostgreSQL in which a role cannot be taken.
const (
	stateUnknownRole = "22023"
	stateForbidden   = "42501"
)

// DatabaseLogin is as whom a pool has come to PostgreSQL.
type DatabaseLogin struct {
	Name string
	// PastRows says that row-level security does not hold the login itself (a superuser, or
	// one with BYPASSRLS), so that nothing does but the roles that it takes.
	PastRows bool
}

// DatabaseLoginOf looks whether a pool of Open can take the roles of MINO, and as whom it came. It
// returns ErrNoRoles or ErrNotInRoles when it cannot take them.
func DatabaseLoginOf(ctx context.Context, db *bun.DB) (DatabaseLogin, error) {
	var login DatabaseLogin
	for _, ctx := range []context.Context{tenant.AsSystem(ctx), ctx} {
		err := db.NewRaw("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user").
			Scan(ctx, &login.Name, &login.PastRows)
		var pg *pgconn.PgError
		switch {
		case err == nil:
		case errors.As(err, &pg) && pg.Code == stateUnknownRole:
			return DatabaseLogin{}, fmt.Errorf("%w: %w", ErrNoRoles, err)
		case errors.As(err, &pg) && pg.Code == stateForbidden:
			return DatabaseLogin{}, fmt.Errorf("%w (%w)", ErrNotInRoles, err)
		default:
			return DatabaseLogin{}, mapped(err)
		}
	}
	return login, nil
}
