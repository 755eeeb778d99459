-- What the engine needs beside the records: which workflow an execution belongs to,
-- how much failure it bears, and the events of a run in an order without gaps.

ALTER TABLE executions
    -- NULL is the default id, "mino-execution-" and the id of the execution.
    ADD COLUMN IF NOT EXISTS workflow_id text
        CONSTRAINT executions_workflow_id_check CHECK (workflow_id <> ''),
    -- NULL is any number of failures.
    ADD COLUMN IF NOT EXISTS tolerance jsonb
        CONSTRAINT executions_tolerance_check CHECK (jsonb_typeof(tolerance) = 'object'),
    ADD COLUMN IF NOT EXISTS last_event_seq bigint NOT NULL DEFAULT 0
        CONSTRAINT executions_last_event_seq_check CHECK (last_event_seq >= 0);
-- A workflow runs one execution.
CREATE UNIQUE INDEX IF NOT EXISTS executions_workflow_id_key ON executions (workflow_id) WHERE workflow_id IS NOT NULL;

-- An event is written without a number in the transaction that causes it, and numbered
-- afterwards: nobody who writes waits for anybody else, and no reader meets a number
-- whose predecessor is still to come.
CREATE TABLE IF NOT EXISTS execution_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL,
    execution_id    uuid NOT NULL,
    seq             bigint,
    type            text NOT NULL,
    job_id          uuid,
    attempt         integer,
    data            jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT execution_events_execution_fkey FOREIGN KEY (organisation_id, execution_id) REFERENCES executions (organisation_id, id),
    CONSTRAINT execution_events_type_check CHECK (type IN ('execution_started', 'execution_paused', 'execution_resumed', 'execution_stopping', 'concurrency_changed', 'execution_finished', 'job_finished', 'job_retry')),
    CONSTRAINT execution_events_job_check CHECK ((type IN ('job_finished', 'job_retry')) = (job_id IS NOT NULL)),
    CONSTRAINT execution_events_seq_check CHECK (seq >= 1),
    CONSTRAINT execution_events_data_check CHECK (jsonb_typeof(data) = 'object')
);
-- Readers go on after the number that they saw last.
CREATE UNIQUE INDEX IF NOT EXISTS execution_events_seq_key ON execution_events (execution_id, seq) WHERE seq IS NOT NULL;
-- The sequencer looks for what has no number yet, which is never much.
CREATE INDEX IF NOT EXISTS execution_events_pending_idx ON execution_events (execution_id, id) WHERE seq IS NULL;

-- Dispatch reads what is queued of an execution in row order, and, to take the rows of
-- another over, what is running too. One index serves both.
CREATE INDEX IF NOT EXISTS jobs_open_idx ON jobs (execution_id, row_number) WHERE status IN ('queued', 'running');
DROP INDEX IF EXISTS jobs_queue_idx;

-- The status of an execution for a job that is to begin, which stands until the
-- transaction that asked has ended: whoever changes the status waits for it with the
-- other half of this lock, taken by models/store.
--
-- It is a function for its snapshot. A statement sees what was committed when it began;
-- a query in a volatile function sees what was committed when the query began, which
-- here is after the lock was given. An advisory lock is given in the order of asking.
-- Row locks are not: a stream of attempts that share the row would keep a pause waiting.
CREATE OR REPLACE FUNCTION execution_status_held(execution uuid) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(execution::text, 0));
    RETURN (SELECT status FROM executions WHERE id = execution);
END
$$;
