package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// queryRow runs a statement in a transaction of whichever driver.
type queryRow func(ctx context.Context, statement string, parameters ...any) interface{ Scan(into ...any) error }

func inBun(tx bun.Tx) queryRow {
	return func(ctx context.Context, statement string, parameters ...any) interface{ Scan(into ...any) error } {
		return tx.Tx.QueryRowContext(ctx, statement, parameters...)
	}
}

const (
	// Others with the same key wait here until the transaction has ended, rather than at
	// some constraint that tells them something else.
	lockKey = `SELECT true FROM (SELECT pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 1))) AS locked`

	youngKeys = `idempotency_keys WHERE organisation_id = $1 AND key = $2 AND created_at > now() - make_interval(hours => $3)`

	usedKey = `SELECT EXISTS (SELECT FROM ` + youngKeys + `)`

	keptAnswer = `SELECT fingerprint, status, location, etag, body FROM ` + youngKeys

	// What is replaced is too old to count.
	keepAnswer = `
		INSERT INTO idempotency_keys (organisation_id, key, fingerprint, status, location, etag, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (organisation_id, key) DO UPDATE SET
			fingerprint = excluded.fingerprint, status = excluded.status, location = excluded.location,
			etag = excluded.etag, body = excluded.body, created_at = now()
		RETURNING true`
)

// takeKey has the transaction be the only one with its key. It comes before everything
// else; models.ErrKeyUsed means that there is nothing to do. No key is nothing to take.
func takeKey(ctx context.Context, row queryRow, once *models.Once) error {
	if once == nil {
		return nil
	}
	var locked, used bool
	if err := row(ctx, lockKey, once.OrganisationID.String(), once.Key).Scan(&locked); err != nil {
		return err
	}
	// A statement of its own, which sees what was committed while it waited.
	if err := row(ctx, usedKey, once.OrganisationID, once.Key, models.KeyLifetime).Scan(&used); err != nil {
		return err
	}
	if used {
		return models.ErrKeyUsed
	}
	return nil
}

// keepKey writes the key with the answer. It comes last, when the record is as it will be.
func keepKey(ctx context.Context, row queryRow, once *models.Once) error {
	if once == nil {
		return nil
	}
	answer, err := once.Answer()
	if err != nil {
		return fmt.Errorf("make the answer to keep: %w", err)
	}
	var kept bool
	return row(ctx, keepAnswer, once.OrganisationID, once.Key, once.Fingerprint[:],
		answer.Status, answer.Location, answer.ETag, answer.Body).Scan(&kept)
}

// KeptAnswer returns what was answered under a key, with the fingerprint of the request,
// or models.ErrNotFound.
func (s *Store) KeptAnswer(ctx context.Context, org uuid.UUID, key string) (*models.Answer, []byte, error) {
	ctx = tenant.With(ctx, org)
	var answer models.Answer
	var fingerprint []byte
	err := s.db.DB.QueryRowContext(ctx, keptAnswer, org, key, models.KeyLifetime).
		Scan(&fingerprint, &answer.Status, &answer.Location, &answer.ETag, &answer.Body)
	if err != nil {
		return nil, nil, found(err, models.ErrNotFound)
	}
	return &answer, fingerprint, nil
}

// ForgetKeys deletes the keys that are too old to count, of every organisation.
func (s *Store) ForgetKeys(ctx context.Context) error {
	ctx = tenant.AsSystem(ctx)
	_, err := s.db.NewRaw(`DELETE FROM idempotency_keys WHERE created_at <= now() - make_interval(hours => ?)`, models.KeyLifetime).Exec(ctx)
	return mapped(err)
}
