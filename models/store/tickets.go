package store

import (
	"context"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// CreateTicket inserts a ticket.
func (s *Store) CreateTicket(ctx context.Context, t *models.StreamTicket) error {
	ctx = tenant.With(ctx, t.OrganisationID)
	_, err := s.db.NewInsert().Model(t).Exec(ctx)
	return mapped(err)
}

// TakeTicket gives a ticket, which is gone by that: nobody else gets it. It returns
// models.ErrNotFound when there is none, or its time is over.
func (s *Store) TakeTicket(ctx context.Context, hash []byte) (*models.StreamTicket, error) {
	ctx = tenant.AsSystem(ctx)
	t := new(models.StreamTicket)
	err := s.db.NewRaw(`
		WITH taken AS (DELETE FROM stream_tickets WHERE hash = ? RETURNING *)
		SELECT * FROM taken WHERE expires_at > now()`, hash).Scan(ctx, t)
	if err != nil {
		return nil, found(err, models.ErrNotFound)
	}
	return t, nil
}

// ForgetTickets deletes the tickets whose time is over, of every organisation.
func (s *Store) ForgetTickets(ctx context.Context) error {
	ctx = tenant.AsSystem(ctx)
	_, err := s.db.NewDelete().Model((*models.StreamTicket)(nil)).Where("expires_at <= now()").Exec(ctx)
	return mapped(err)
}
