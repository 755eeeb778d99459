package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// Open gives a pool of at most the given number of connections; it connects when it is
// first used. Every statement sees what the scope of its context may see, see package
// tenant: the login of the URL must be a member of the roles mino_app and mino_system.
//
// Statements with parameters are planned once for each connection. PostgreSQL would plan
// those that write the outcomes of some jobs anew each time, for the number of them that
// there happens to be: it thinks that worth it, and the planning costs more than the
// rows. All of them find rows by key, for which there is one good plan; those that filter
// and sort are sent as text, with their values.
func Open(url string, connections int) (*bun.DB, error) {
	connector, err := plainConnector(url)
	if err != nil {
		return nil, err
	}
	return pool(sql.OpenDB(scopedConnector{connector}), connections), nil
}

// OpenOwner is Open without scopes, with the rights of the login itself: for migrations and
// for looks by hand.
func OpenOwner(url string, connections int) (*bun.DB, error) {
	connector, err := plainConnector(url)
	if err != nil {
		return nil, err
	}
	return pool(sql.OpenDB(connector), connections), nil
}

func plainConnector(url string) (driver.Connector, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mino"
	}
	return stdlib.GetConnector(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		// Not as a parameter of the connection, which poolers such as PgBouncer refuse.
		_, err := conn.Exec(ctx, "SET plan_cache_mode = force_generic_plan")
		return err
	})), nil
}

func pool(db *sql.DB, connections int) *bun.DB {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, pgdialect.New())
}
