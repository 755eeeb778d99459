package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minohq/mino/models/tenant"
)

// The roles that row-level security knows.
const (
	roleApp    = "mino_app"
	roleSystem = "mino_system"
)

// settings are the statements that tell PostgreSQL a scope: the role, unless it is known to
// be the right one, and the organisation, which is a UUID or nothing. They hold for the
// connection, or for its transaction when they are local.
func settings(scope tenant.Scope, local, roleKnown bool) string {
	set, role, organisation := "SET ", roleApp, ""
	switch scope.Kind {
	case tenant.Organisation:
		organisation = scope.ID.String()
	case tenant.System:
		role = roleSystem
	case tenant.Nobody:
	}
	if local {
		set = "SET LOCAL "
	}
	statements := set + "mino.organisation = '" + organisation + "'"
	if roleKnown {
		return statements
	}
	return set + "ROLE " + role + "; " + statements
}

// scopedConnector makes connections whose statements see what their context may see.
type scopedConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c scopedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	std, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the database driver is %T, not pgx", conn), conn.Close())
	}
	return &scopedConn{Conn: std}, nil
}

// scopedConn is a connection of pgx. database/sql has one caller use it at a time.
//
// A transaction is told its scope when it begins, in the same message, and forgets it when
// it ends. A statement by itself is a transaction too; the connection is told its scope
// before, unless the last one that it was told was the same, and no statement is sent when
// that fails. So what PostgreSQL holds is always the scope of the statement that comes:
// every way to one leads through here.
type scopedConn struct {
	*stdlib.Conn

	scope tenant.Scope // that the connection was told, if told
	told  bool
	inTx  bool
}

// tell has the connection be of the scope of a statement's context.
func (c *scopedConn) tell(ctx context.Context) error {
	scope := tenant.From(ctx)
	if c.inTx || c.told && c.scope == scope {
		return nil
	}
	if c.Conn.Conn().IsClosed() {
		return driver.ErrBadConn
	}
	sameRole := c.told && (c.scope.Kind == tenant.System) == (scope.Kind == tenant.System)
	c.told = false
	if _, err := c.Conn.Conn().Exec(ctx, settings(scope, false, sameRole)); err != nil {
		if pgconn.SafeToRetry(err) {
			return driver.ErrBadConn
		}
		return fmt.Errorf("take the role of MINO: %w", err)
	}
	c.scope, c.told = scope, true
	return nil
}

// QueryContext implements driver.QueryerContext.
func (c *scopedConn) QueryContext(ctx context.Context, query string, parameters []driver.NamedValue) (driver.Rows, error) {
	if err := c.tell(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, parameters)
}

// ExecContext implements driver.ExecerContext.
func (c *scopedConn) ExecContext(ctx context.Context, query string, parameters []driver.NamedValue) (driver.Result, error) {
	if err := c.tell(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, parameters)
}

var errUnscoped = errors.New("statements that are prepared by hand have no scope")

// PrepareContext refuses: a statement would be run past what is checked here.
func (c *scopedConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errUnscoped
}

// Prepare refuses, as PrepareContext does.
func (c *scopedConn) Prepare(string) (driver.Stmt, error) { return nil, errUnscoped }

// Begin refuses, since it has no context.
func (c *scopedConn) Begin() (driver.Tx, error) { return nil, errUnscoped }

// BeginTx implements driver.ConnBeginTx.
func (c *scopedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	wanted := pgx.TxOptions{}
	switch level := sql.IsolationLevel(options.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelRepeatableRead:
		wanted.IsoLevel = pgx.RepeatableRead
	case sql.LevelSerializable:
		wanted.IsoLevel = pgx.Serializable
	default:
		return nil, fmt.Errorf("the isolation level %v is not used here", level)
	}
	if options.ReadOnly {
		wanted.AccessMode = pgx.ReadOnly
	}
	tx, err := c.Conn.Conn().BeginTx(ctx, scoped(ctx, wanted))
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return &scopedTx{ctx: ctx, conn: c, tx: tx}, nil
}

// scoped has a transaction be of the scope of a context.
func scoped(ctx context.Context, options pgx.TxOptions) pgx.TxOptions {
	begin := []string{"BEGIN"}
	if options.IsoLevel != "" {
		begin = append(begin, "ISOLATION LEVEL", string(options.IsoLevel))
	}
	if options.AccessMode != "" {
		begin = append(begin, string(options.AccessMode))
	}
	options.BeginQuery = strings.Join(begin, " ") + "; " + settings(tenant.From(ctx), true, false)
	return options
}

type scopedTx struct {
	ctx  context.Context //nolint:containedctx // of the transaction, as database/sql has it
	conn *scopedConn
	tx   pgx.Tx
}

// Commit implements driver.Tx.
func (t *scopedTx) Commit() error {
	t.conn.inTx = false
	return t.tx.Commit(t.ctx)
}

// Rollback implements driver.Tx.
func (t *scopedTx) Rollback() error {
	t.conn.inTx = false
	return t.tx.Rollback(t.ctx)
}
