-- What the executors for the real web need: secrets of projects, runs elsewhere that are
-- paid once, what they cost, evidence, limits for hosts, and tries.

ALTER TABLE projects
    -- NULL is any input column.
    ADD COLUMN IF NOT EXISTS inputs jsonb
        CONSTRAINT projects_inputs_check CHECK (jsonb_typeof(inputs) = 'array'),
    -- NULL is no limit.
    ADD COLUMN IF NOT EXISTS politeness jsonb
        CONSTRAINT projects_politeness_check CHECK (jsonb_typeof(politeness) = 'object'),
    -- The names of project_secrets, in their order, written with them.
    ADD COLUMN IF NOT EXISTS secret_names jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT projects_secret_names_check CHECK (jsonb_typeof(secret_names) = 'array');

-- Values are sealed by MINO under a key that the database never sees.
CREATE TABLE IF NOT EXISTS project_secrets (
    organisation_id uuid NOT NULL,
    project_id      uuid NOT NULL,
    name            text NOT NULL,
    key_id          text NOT NULL,
    sealed          bytea NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, name),
    CONSTRAINT project_secrets_project_fkey FOREIGN KEY (organisation_id, project_id)
        REFERENCES projects (organisation_id, id) ON DELETE CASCADE,
    CONSTRAINT project_secrets_name_check CHECK (name ~ '^[A-Za-z][A-Za-z0-9_]{0,63}$'),
    CONSTRAINT project_secrets_sealed_check CHECK (octet_length(sealed) BETWEEN 1 AND 65536)
);

-- Steps and cost of a job are the sums over its sessions in the execution that owns it.
ALTER TABLE jobs
    ADD COLUMN IF NOT EXISTS steps integer NOT NULL DEFAULT 0
        CONSTRAINT jobs_steps_check CHECK (steps >= 0),
    ADD COLUMN IF NOT EXISTS cost_micros bigint NOT NULL DEFAULT 0
        CONSTRAINT jobs_cost_check CHECK (cost_micros >= 0),
    ADD COLUMN IF NOT EXISTS cost_currency text;
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS steps integer NOT NULL DEFAULT 0
        CONSTRAINT sessions_steps_check CHECK (steps >= 0);

-- A run elsewhere is announced before it is started and named once its id is known. It
-- is open until it is known to have ended, or never to have begun. It outlives jobs and
-- executions that are deleted, since it has to be ended all the same: hence no foreign
-- keys to those, and all that is needed to end it.
CREATE TABLE IF NOT EXISTS remote_runs (
    reference       text PRIMARY KEY,
    organisation_id uuid NOT NULL,
    project_id      uuid NOT NULL,
    execution_id    uuid NOT NULL,
    job_id          uuid NOT NULL,
    -- The session that announced it, or that took it over last.
    session_id      uuid NOT NULL,
    executor        text NOT NULL,
    settings        jsonb NOT NULL,
    run_id          text,
    announced_at    timestamptz NOT NULL DEFAULT now(),
    -- No attempt goes on with it, although its job may be alive.
    abandoned       boolean NOT NULL DEFAULT false,
    ended_at        timestamptz,
    -- The far side's word for how it ended, when somebody had to ask.
    status          text,
    -- When it was last tried to be ended, and how often.
    checked_at      timestamptz,
    checks          integer NOT NULL DEFAULT 0,
    CONSTRAINT remote_runs_project_fkey FOREIGN KEY (organisation_id, project_id)
        REFERENCES projects (organisation_id, id) ON DELETE CASCADE,
    CONSTRAINT remote_runs_reference_check CHECK (length(reference) BETWEEN 1 AND 200),
    CONSTRAINT remote_runs_run_id_check CHECK (length(run_id) BETWEEN 1 AND 500)
);
-- A job has one run at a time that its attempts go on with.
CREATE UNIQUE INDEX IF NOT EXISTS remote_runs_open_key ON remote_runs (job_id, execution_id)
    WHERE ended_at IS NULL AND NOT abandoned;
-- The sweep looks at what is open, which is about as much as is running.
CREATE INDEX IF NOT EXISTS remote_runs_open_idx ON remote_runs (announced_at) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS remote_runs_project_idx ON remote_runs (organisation_id, project_id);

-- Evidence that is too large for a row of sessions.
CREATE TABLE IF NOT EXISTS session_files (
    session_id      uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    kind            text NOT NULL,
    content_type    text NOT NULL,
    data            bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, kind),
    CONSTRAINT session_files_kind_check CHECK (kind IN ('screenshot')),
    CONSTRAINT session_files_data_check CHECK (octet_length(data) BETWEEN 1 AND 4194304)
);
-- Pictures do not get smaller by compression.
ALTER TABLE session_files ALTER COLUMN data SET STORAGE EXTERNAL;

-- Limits for a host hold for an organisation, over all its workers: who may use it now,
-- and from when on the next one may.
CREATE TABLE IF NOT EXISTS hosts (
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    host            text NOT NULL,
    next_at         timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (organisation_id, host)
);
CREATE TABLE IF NOT EXISTS host_leases (
    job_id          uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    host            text NOT NULL,
    -- Who has it: a later attempt at the job has another.
    token           uuid NOT NULL,
    -- A worker that died gives nothing back.
    expires_at      timestamptz NOT NULL,
    CONSTRAINT host_leases_host_fkey FOREIGN KEY (organisation_id, host) REFERENCES hosts (organisation_id, host) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS host_leases_host_idx ON host_leases (organisation_id, host, expires_at);

-- Gives a job the use of a host, or says how long to wait before asking again: granted
-- with a wait means that the turn comes after it. Whoever asks waits for the row of the
-- host, so that two never count the same lease free.
CREATE OR REPLACE FUNCTION host_acquire(
    org uuid, site text, job uuid, asker uuid, most integer, every interval, lease interval, patience interval,
    OUT granted boolean, OUT wait interval)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    turn timestamptz;
BEGIN
    INSERT INTO hosts (organisation_id, host) VALUES (org, site) ON CONFLICT DO NOTHING;
    SELECT greatest(h.next_at, clock_timestamp()) INTO turn FROM hosts AS h
    WHERE h.organisation_id = org AND h.host = site FOR UPDATE;
    -- The lease of the job's own last attempt, and those of the dead.
    DELETE FROM host_leases AS l
    WHERE l.job_id = job OR l.organisation_id = org AND l.host = site AND l.expires_at < clock_timestamp();
    granted := most IS NULL OR (SELECT count(*) < most FROM host_leases AS l WHERE l.organisation_id = org AND l.host = site);
    wait := greatest(turn - clock_timestamp(), interval '0');
    IF NOT granted OR wait > patience THEN
        wait := CASE WHEN granted THEN wait ELSE greatest(wait, interval '1 second') END;
        granted := false;
        RETURN;
    END IF;
    UPDATE hosts AS h SET next_at = turn + every WHERE h.organisation_id = org AND h.host = site;
    INSERT INTO host_leases (job_id, organisation_id, host, token, expires_at) VALUES (job, org, site, asker, turn + lease);
END
$$;

-- A try is one URL under a project's settings: an execution of its own type, over a batch
-- of its own kind, which lists leave out.
ALTER TABLE batches
    ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'upload'
        CONSTRAINT batches_kind_check CHECK (kind IN ('upload', 'try'));
ALTER TABLE executions DROP CONSTRAINT IF EXISTS executions_type_check;
ALTER TABLE executions ADD CONSTRAINT executions_type_check CHECK (type IN ('test', 'production', 'try'));
-- There may be many more tries than anything else, and lists are not to go through them.
CREATE INDEX IF NOT EXISTS batches_uploads_idx ON batches (organisation_id, project_id, id) WHERE kind = 'upload';
CREATE INDEX IF NOT EXISTS executions_listed_idx ON executions (organisation_id, id) WHERE type <> 'try';
CREATE INDEX IF NOT EXISTS executions_project_listed_idx ON executions (organisation_id, project_id, id) WHERE type <> 'try';
CREATE INDEX IF NOT EXISTS executions_tries_idx ON executions (organisation_id, id) WHERE type = 'try';
