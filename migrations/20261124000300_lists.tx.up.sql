-- What lists, edits and searches of the API need.

-- Parts of a URL are found by their trigrams; with the batch beside them in one index.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

ALTER TABLE batches
    -- Counts edits from 1; it is the ETag.
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1
        CONSTRAINT batches_version_check CHECK (version >= 1),
    ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT now();

-- The fields of a comparison that did not match; NULL is none.
CREATE OR REPLACE FUNCTION mismatched_fields(comparison jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(field.key ORDER BY field.key) FROM jsonb_each(comparison) AS field WHERE field.value ->> 'match' = 'false'
$$;

ALTER TABLE jobs
    -- Counts what people edit, from 1, and nothing that the engine writes; it is the ETag.
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1
        CONSTRAINT jobs_version_check CHECK (version >= 1),
    -- The host of site_url, without its port: what jobs of one site have in common.
    ADD COLUMN IF NOT EXISTS host text NOT NULL GENERATED ALWAYS AS (
        coalesce(lower(substring(site_url FROM '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^]]*\]|[^/?#:]*)')), '')) STORED,
    ADD COLUMN IF NOT EXISTS mismatched text[] GENERATED ALWAYS AS (mismatched_fields(comparison)) STORED;

ALTER TABLE executions
    -- What was asked to run again: a filter of jobs, or how many were named. NULL is a
    -- whole batch or a sample of it.
    ADD COLUMN IF NOT EXISTS selection jsonb
        CONSTRAINT executions_selection_check CHECK (jsonb_typeof(selection) = 'object');

-- One index for each filter of the list of jobs, all in the order of its pages.
CREATE INDEX IF NOT EXISTS jobs_batch_verdict_idx ON jobs (organisation_id, batch_id, verdict, row_number) WHERE verdict IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_batch_error_class_idx ON jobs (organisation_id, batch_id, error_class, row_number) WHERE error_class IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_batch_accuracy_idx ON jobs (organisation_id, batch_id, accuracy, row_number) WHERE accuracy IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_batch_host_idx ON jobs (organisation_id, batch_id, host, row_number);
CREATE INDEX IF NOT EXISTS jobs_batch_truth_idx ON jobs (organisation_id, batch_id, row_number) WHERE ground_truth IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_batch_no_truth_idx ON jobs (organisation_id, batch_id, row_number) WHERE ground_truth IS NULL;
CREATE INDEX IF NOT EXISTS jobs_search_idx ON jobs USING gin (batch_id, site_url gin_trgm_ops, mismatched);
CREATE INDEX IF NOT EXISTS jobs_execution_row_idx ON jobs (execution_id, status, row_number);
DROP INDEX IF EXISTS jobs_execution_idx;

CREATE INDEX IF NOT EXISTS executions_status_idx ON executions (organisation_id, status, id);

-- Attempts of an execution, the newest first, all or those of a status.
CREATE INDEX IF NOT EXISTS sessions_execution_id_idx ON sessions (execution_id, id);
CREATE INDEX IF NOT EXISTS sessions_execution_status_idx ON sessions (execution_id, status, id);
DROP INDEX IF EXISTS sessions_execution_idx;

-- One index numbers events, reads them in order and finds those of an execution that is
-- deleted.
CREATE UNIQUE INDEX IF NOT EXISTS execution_events_order_key ON execution_events (execution_id, seq);
DROP INDEX IF EXISTS execution_events_seq_key;
DROP INDEX IF EXISTS execution_events_pending_idx;
