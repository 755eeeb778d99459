-- What requests that make a record were answered, by the key that the caller chose. A key
-- is written in the transaction that makes the record.

CREATE TABLE IF NOT EXISTS idempotency_keys (
    organisation_id uuid NOT NULL,
    key             text NOT NULL,
    -- SHA-256 of the request: the same key with another request is a mistake.
    fingerprint     bytea NOT NULL,
    status          smallint NOT NULL,
    location        text NOT NULL,
    etag            text NOT NULL,
    body            bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (organisation_id, key),
    CONSTRAINT idempotency_keys_organisation_fkey FOREIGN KEY (organisation_id) REFERENCES organisations (id),
    CONSTRAINT idempotency_keys_key_check CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_check CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_status_check CHECK (status BETWEEN 200 AND 299)
);
-- The old ones are found by their age.
CREATE INDEX IF NOT EXISTS idempotency_keys_created_idx ON idempotency_keys (created_at);
