package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/minohq/mino/models"
)

const (
	// quietFor is how long nothing may be heard before the connection is tried: one whose
	// other end has vanished says nothing either.
	quietFor = 20 * time.Second
	// answerWithin bounds the answer of PostgreSQL to whatever is not waiting.
	answerWithin = 5 * time.Second
)

// Notices hears which executions have newly numbered events, whichever process numbered
// them. It uses a connection of its own, which must lead to PostgreSQL itself or to a
// pooler in session mode: others do not pass notices on.
type Notices struct {
	config *pgx.ConnConfig
}

// NewNotices reads the address of the database; it connects when somebody listens.
func NewNotices(url string) (*Notices, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	config.RuntimeParams["application_name"] = "mino-notices"
	return &Notices{config: config}, nil
}

// Listen connects and calls notice with the id of every execution that is announced,
// until the context is done or the connection is lost; it always returns an error. It
// calls listening once nothing more is missed: what was numbered before that has to be
// looked for. Both are called from here, one after the other, and must not block.
func (n *Notices) Listen(ctx context.Context, listening func(), notice func(executionID uuid.UUID)) error {
	conn, err := n.connect(ctx)
	if err != nil {
		return mapped(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
		defer cancel()
		_ = conn.Close(ctx) // the connection is given up either way
	}()
	listening()
	for {
		heard, err := waitForNotice(ctx, conn)
		if err != nil {
			return mapped(err)
		}
		if heard == "" {
			continue
		}
		// Whatever else is announced on this channel is not ours.
		if id, err := uuid.Parse(heard); err == nil {
			notice(id)
		}
	}
}

func (n *Notices) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, n.config.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{models.EventsChannel}.Sanitize()); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// waitForNotice gives what was announced, or nothing when the connection was quiet and
// is still there.
func waitForNotice(ctx context.Context, conn *pgx.Conn) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, quietFor)
	defer cancel()
	notification, err := conn.WaitForNotification(waiting)
	if err == nil {
		return notification.Payload, nil
	}
	if ctx.Err() != nil || waiting.Err() == nil {
		return "", err
	}
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return "", conn.Ping(asking)
}
