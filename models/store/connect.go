package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Open gives a pool of at most the given number of connections; it connects when it is
// first used.
//
// Statements with parameters are planned once for each connection. PostgreSQL would plan
// those that write the outcomes of some jobs anew each time, for the number of them that
// there happens to be: it thinks that worth it, and the planning costs more than the
// rows. All of them find rows by key, for which there is one good plan; those that filter
// and sort are sent as text, with their values.
func Open(url string, connections int) (*bun.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mino"
	}
	pool := sql.OpenDB(stdlib.GetConnector(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		// Not as a parameter of the connection, which poolers such as PgBouncer refuse.
		_, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan")
		return err
	})))
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return bun.NewDB(pool, pgdialect.New()), nil
}
