-- The records of MINO. Every invariant that SQL can state is stated here; the
-- names of constraints are part of the contract with models/store, which turns
-- their violations into the sentinel errors of package models.
--
-- A migration is marked applied after its transaction has committed. A process that
-- dies between the two leaves all of this made, and the next one runs it again: hence
-- IF NOT EXISTS.

CREATE TABLE IF NOT EXISTS organisations (
    id         uuid PRIMARY KEY,
    slug       text NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organisations_slug_key UNIQUE (slug),
    CONSTRAINT organisations_slug_check CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$')
);

INSERT INTO organisations (id, slug, name)
VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'Default')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS projects (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    name            text NOT NULL,
    instruction     text NOT NULL,
    fields          jsonb NOT NULL,
    executor        text NOT NULL,
    settings        jsonb NOT NULL DEFAULT '{}',
    defaults        jsonb NOT NULL DEFAULT '{}',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projects_organisation_id_id_key UNIQUE (organisation_id, id),
    CONSTRAINT projects_name_check CHECK (name <> ''),
    CONSTRAINT projects_executor_check CHECK (executor IN ('fetch', 'agent', 'browser', 'activity')),
    CONSTRAINT projects_fields_check CHECK (jsonb_typeof(fields) = 'array'),
    CONSTRAINT projects_settings_check CHECK (jsonb_typeof(settings) = 'object'),
    CONSTRAINT projects_version_check CHECK (version >= 1)
);
-- People find a project by its name, whatever its case.
CREATE UNIQUE INDEX IF NOT EXISTS projects_organisation_id_name_key ON projects (organisation_id, lower(name));

CREATE TABLE IF NOT EXISTS batches (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    project_id      uuid NOT NULL,
    name            text NOT NULL,
    columns         jsonb NOT NULL,
    row_count       integer NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT batches_organisation_id_id_key UNIQUE (organisation_id, id),
    CONSTRAINT batches_project_fkey FOREIGN KEY (organisation_id, project_id) REFERENCES projects (organisation_id, id),
    CONSTRAINT batches_columns_check CHECK (jsonb_typeof(columns) = 'array'),
    CONSTRAINT batches_row_count_check CHECK (row_count >= 0)
);
CREATE INDEX IF NOT EXISTS batches_project_idx ON batches (organisation_id, project_id, id);

CREATE TABLE IF NOT EXISTS executions (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    project_id      uuid NOT NULL,
    batch_id        uuid NOT NULL,
    type            text NOT NULL,
    status          text NOT NULL DEFAULT 'pending',
    sample_size     integer,
    sample_seed     bigint NOT NULL DEFAULT 0,
    concurrency     integer NOT NULL,
    preset          text,
    retry           jsonb NOT NULL,
    snapshot        jsonb NOT NULL,
    reason          text,
    total_jobs      integer NOT NULL DEFAULT 0,
    completed_jobs  integer NOT NULL DEFAULT 0,
    failed_jobs     integer NOT NULL DEFAULT 0,
    cancelled_jobs  integer NOT NULL DEFAULT 0,
    tally           jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT executions_organisation_id_id_key UNIQUE (organisation_id, id),
    CONSTRAINT executions_project_fkey FOREIGN KEY (organisation_id, project_id) REFERENCES projects (organisation_id, id),
    CONSTRAINT executions_batch_fkey FOREIGN KEY (organisation_id, batch_id) REFERENCES batches (organisation_id, id),
    CONSTRAINT executions_type_check CHECK (type IN ('test', 'production')),
    CONSTRAINT executions_status_check CHECK (status IN ('pending', 'running', 'paused', 'stopping', 'stopped', 'completed', 'failed')),
    CONSTRAINT executions_sample_check CHECK ((type = 'test') = (sample_size IS NOT NULL) AND (sample_size IS NULL OR sample_size >= 1)),
    CONSTRAINT executions_concurrency_check CHECK (concurrency BETWEEN 1 AND 50),
    CONSTRAINT executions_preset_check CHECK (preset IN ('FAST', 'STANDARD', 'PATIENT', 'AGGRESSIVE')),
    -- An execution that ended accounts for every one of its jobs.
    CONSTRAINT executions_counters_check CHECK (
        least(total_jobs, completed_jobs, failed_jobs, cancelled_jobs) >= 0
        AND (finished_at IS NULL OR completed_jobs + failed_jobs + cancelled_jobs = total_jobs)),
    CONSTRAINT executions_finished_check CHECK ((status IN ('stopped', 'completed', 'failed')) = (finished_at IS NOT NULL))
);
-- A batch has one execution at a time.
CREATE UNIQUE INDEX IF NOT EXISTS executions_active_batch_key ON executions (batch_id)
    WHERE status IN ('pending', 'running', 'paused', 'stopping');
CREATE INDEX IF NOT EXISTS executions_organisation_idx ON executions (organisation_id, id);
CREATE INDEX IF NOT EXISTS executions_project_idx ON executions (organisation_id, project_id, id);
CREATE INDEX IF NOT EXISTS executions_batch_idx ON executions (organisation_id, batch_id, id);
-- The sweep looks for executions whose workflow was never started.
CREATE INDEX IF NOT EXISTS executions_pending_idx ON executions (created_at) WHERE status = 'pending';

CREATE TABLE IF NOT EXISTS jobs (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    project_id      uuid NOT NULL,
    batch_id        uuid NOT NULL,
    row_number      integer NOT NULL,
    site_url        text NOT NULL,
    input           jsonb NOT NULL DEFAULT '{}',
    ground_truth    jsonb,
    status          text NOT NULL DEFAULT 'queued',
    execution_id    uuid,
    attempt         integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    result          jsonb,
    verdict         text,
    comparison      jsonb,
    matched         integer NOT NULL DEFAULT 0,
    compared        integer NOT NULL DEFAULT 0,
    accuracy        double precision,
    gt_evaluated    boolean NOT NULL DEFAULT false,
    error_class     text,
    error_code      text,
    error_message   text,
    started_at      timestamptz,
    finished_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT jobs_organisation_id_id_key UNIQUE (organisation_id, id),
    CONSTRAINT jobs_batch_row_key UNIQUE (batch_id, row_number),
    CONSTRAINT jobs_batch_fkey FOREIGN KEY (organisation_id, batch_id) REFERENCES batches (organisation_id, id),
    CONSTRAINT jobs_project_fkey FOREIGN KEY (organisation_id, project_id) REFERENCES projects (organisation_id, id),
    CONSTRAINT jobs_execution_fkey FOREIGN KEY (organisation_id, execution_id) REFERENCES executions (organisation_id, id),
    CONSTRAINT jobs_row_number_check CHECK (row_number >= 1),
    CONSTRAINT jobs_status_check CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    CONSTRAINT jobs_verdict_check CHECK (verdict IN ('correct', 'partial', 'wrong', 'unverified', 'empty', 'blocked', 'schema_invalid')),
    CONSTRAINT jobs_error_class_check CHECK (error_class IN ('transient', 'rate_limit', 'timeout', 'network', 'permanent')),
    -- A verdict stands exactly on completed jobs; a failure exactly on failed ones.
    CONSTRAINT jobs_completed_check CHECK ((status = 'completed') = (verdict IS NOT NULL)),
    CONSTRAINT jobs_failed_check CHECK ((status = 'failed') = (error_class IS NOT NULL)),
    CONSTRAINT jobs_finished_check CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_owner_check CHECK (status = 'queued' OR execution_id IS NOT NULL),
    CONSTRAINT jobs_attempt_check CHECK (attempt >= 0 AND (status <> 'running' OR attempt >= 1)),
    CONSTRAINT jobs_accuracy_check CHECK (
        matched BETWEEN 0 AND compared
        AND (accuracy IS NOT NULL) = (compared > 0)
        AND (accuracy IS NULL OR accuracy BETWEEN 0 AND 1))
);
CREATE INDEX IF NOT EXISTS jobs_batch_status_idx ON jobs (organisation_id, batch_id, status, row_number);
CREATE INDEX IF NOT EXISTS jobs_project_idx ON jobs (organisation_id, project_id);
CREATE INDEX IF NOT EXISTS jobs_execution_idx ON jobs (execution_id, status);
-- Dispatch reads the queue of an execution in row order.
CREATE INDEX IF NOT EXISTS jobs_queue_idx ON jobs (execution_id, row_number) WHERE status = 'queued';

CREATE TABLE IF NOT EXISTS sessions (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    execution_id    uuid NOT NULL,
    job_id          uuid NOT NULL,
    attempt         integer NOT NULL,
    status          text NOT NULL DEFAULT 'running',
    worker          text NOT NULL DEFAULT '',
    remote_run_id   text,
    result          jsonb,
    raw             jsonb,
    verdict         text,
    verdict_note    text,
    usage           jsonb,
    evidence        jsonb,
    cost_micros     bigint NOT NULL DEFAULT 0,
    cost_currency   text,
    error_class     text,
    error_code      text,
    error_message   text,
    retry_at        timestamptz,
    started_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    CONSTRAINT sessions_attempt_key UNIQUE (job_id, execution_id, attempt),
    CONSTRAINT sessions_execution_fkey FOREIGN KEY (organisation_id, execution_id) REFERENCES executions (organisation_id, id),
    CONSTRAINT sessions_job_fkey FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id),
    CONSTRAINT sessions_attempt_check CHECK (attempt >= 1),
    CONSTRAINT sessions_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled', 'lost')),
    CONSTRAINT sessions_verdict_check CHECK (verdict IN ('correct', 'partial', 'wrong', 'unverified', 'empty', 'blocked', 'schema_invalid')),
    CONSTRAINT sessions_error_class_check CHECK (error_class IN ('transient', 'rate_limit', 'timeout', 'network', 'permanent')),
    CONSTRAINT sessions_finished_check CHECK ((status = 'running') = (finished_at IS NULL)),
    CONSTRAINT sessions_failed_check CHECK (status NOT IN ('failed', 'lost') OR error_class IS NOT NULL),
    CONSTRAINT sessions_cost_check CHECK (cost_micros >= 0)
);
-- A job has one running session at a time.
CREATE UNIQUE INDEX IF NOT EXISTS sessions_running_key ON sessions (job_id) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS sessions_execution_idx ON sessions (execution_id, status);
