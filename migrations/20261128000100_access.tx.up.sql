-- Who may do what: users, memberships, keys, tickets, quotas, the audit log; and beneath
-- every statement of MINO, row-level security.
--
-- MINO takes one of two roles for each statement, see models/store: mino_app sees what is of
-- the organisation in mino.organisation, and nothing when there is none; mino_system sees
-- all, for what is nobody's in particular. Neither owns a table, logs in or bypasses
-- row-level security, and tables are forced to apply it to their owner too. A later
-- migration that reads or writes rows does so after SET LOCAL ROLE mino_system.
--
-- Roles are of the whole server: several databases share them, and they outlive this one.
-- Who may not create roles has them created beforehand, and granted to the login of MINO.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['mino_app', 'mino_system'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database's migration was first
            END;
        END IF;
        -- Since PostgreSQL 16 whoever creates a role may grant it, and not yet take it.
        IF NOT pg_has_role(role_name, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END
$$;

ALTER TABLE organisations
    -- What the issuer of tokens calls it; NULL is that no token means it.
    ADD COLUMN IF NOT EXISTS external_id text
        CONSTRAINT organisations_external_id_check CHECK (length(external_id) BETWEEN 1 AND 255),
    -- Counts edits from 1; it is the ETag.
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1
        CONSTRAINT organisations_version_check CHECK (version >= 1),
    ADD COLUMN IF NOT EXISTS updated_at timestamptz NOT NULL DEFAULT now(),
    -- Limits that the operator sets; NULL is none.
    ADD COLUMN IF NOT EXISTS requests_per_minute integer
        CONSTRAINT organisations_requests_per_minute_check CHECK (requests_per_minute >= 1),
    ADD COLUMN IF NOT EXISTS max_running_executions integer
        CONSTRAINT organisations_max_running_executions_check CHECK (max_running_executions >= 1),
    ADD COLUMN IF NOT EXISTS max_concurrent_jobs integer
        CONSTRAINT organisations_max_concurrent_jobs_check CHECK (max_concurrent_jobs >= 1),
    ADD COLUMN IF NOT EXISTS max_jobs_per_day bigint
        CONSTRAINT organisations_max_jobs_per_day_check CHECK (max_jobs_per_day >= 1),
    -- The task queues that projects of the activity executor may name; NULL is any but
    -- MINO's own.
    ADD COLUMN IF NOT EXISTS task_queues text[];
CREATE UNIQUE INDEX IF NOT EXISTS organisations_external_id_key ON organisations (external_id);

-- People, as an issuer of tokens knows them. Somebody who was invited by address has no
-- subject until the first token that says it.
CREATE TABLE IF NOT EXISTS users (
    id           uuid PRIMARY KEY,
    issuer       text NOT NULL,
    subject      text,
    email        text,
    name         text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    CONSTRAINT users_issuer_subject_key UNIQUE (issuer, subject),
    CONSTRAINT users_subject_check CHECK (length(subject) BETWEEN 1 AND 255),
    CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 255),
    CONSTRAINT users_known_check CHECK (subject IS NOT NULL OR email IS NOT NULL)
);
-- One invitation for an address.
CREATE UNIQUE INDEX IF NOT EXISTS users_invited_key ON users (issuer, lower(email)) WHERE subject IS NULL;
-- Whoever is made a member by address may have come before.
CREATE INDEX IF NOT EXISTS users_email_idx ON users (issuer, lower(email));

CREATE TABLE IF NOT EXISTS memberships (
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memberships_pkey PRIMARY KEY (organisation_id, user_id),
    CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
);
CREATE INDEX IF NOT EXISTS memberships_user_idx ON memberships (user_id);

-- The hash is keyed: whoever reads this table can neither use a key nor try guesses.
CREATE TABLE IF NOT EXISTS api_keys (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    name            text NOT NULL,
    role            text NOT NULL,
    -- The permissions that are left of the role's; NULL is all.
    scopes          text[],
    hash            bytea NOT NULL,
    -- Which key the hash was made with.
    hash_key_id     text NOT NULL,
    created_by      text NOT NULL,
    -- The key that this one takes the place of.
    replaces        uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz,
    -- Written once a minute at most.
    last_used_at    timestamptz,
    last_used_ip    inet,
    revoked_at      timestamptz,
    CONSTRAINT api_keys_organisation_id_id_key UNIQUE (organisation_id, id),
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT api_keys_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    CONSTRAINT api_keys_hash_check CHECK (octet_length(hash) = 32)
);

-- A ticket opens one stream of events, once. It carries what its holder may do.
CREATE TABLE IF NOT EXISTS stream_tickets (
    hash            bytea PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    principal       jsonb NOT NULL,
    expires_at      timestamptz NOT NULL,
    CONSTRAINT stream_tickets_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT stream_tickets_principal_check CHECK (jsonb_typeof(principal) = 'object')
);
CREATE INDEX IF NOT EXISTS stream_tickets_expires_idx ON stream_tickets (expires_at);

-- Jobs that executions were given, by the day (UTC) on which they were.
CREATE TABLE IF NOT EXISTS organisation_usage (
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    day             date NOT NULL,
    jobs            bigint NOT NULL DEFAULT 0,
    CONSTRAINT organisation_usage_pkey PRIMARY KEY (organisation_id, day),
    CONSTRAINT organisation_usage_jobs_check CHECK (jobs >= 0)
);

-- Who did what. Rows are written in the transaction that they tell of; nobody changes or
-- deletes one, whatever right they have been given.
CREATE TABLE IF NOT EXISTS audit_log (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisations (id),
    created_at      timestamptz NOT NULL DEFAULT now(),
    actor_kind      text NOT NULL,
    actor_id        text NOT NULL,
    actor_name      text NOT NULL DEFAULT '',
    -- The id of the operation in the API's document, or a command of `mino`.
    operation       text NOT NULL,
    target_type     text NOT NULL DEFAULT '',
    target_id       text NOT NULL DEFAULT '',
    outcome         text NOT NULL,
    before          jsonb,
    after           jsonb,
    request_id      text NOT NULL DEFAULT '',
    ip              inet,
    user_agent      text NOT NULL DEFAULT '',
    CONSTRAINT audit_log_actor_kind_check CHECK (actor_kind IN ('key', 'user', 'anonymous', 'operator')),
    CONSTRAINT audit_log_outcome_check CHECK (outcome IN ('done', 'requested', 'failed'))
);
CREATE INDEX IF NOT EXISTS audit_log_organisation_idx ON audit_log (organisation_id, id);
-- The log only grows: who looks for what was done to something, by somebody or at some time
-- is not to go through all of it.
CREATE INDEX IF NOT EXISTS audit_log_target_idx ON audit_log (organisation_id, target_id, id);
CREATE INDEX IF NOT EXISTS audit_log_actor_idx ON audit_log (organisation_id, actor_id, id);
CREATE INDEX IF NOT EXISTS audit_log_created_idx ON audit_log (organisation_id, created_at);

CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE OR REPLACE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- The organisation that a transaction, or a connection between two, is of.
CREATE OR REPLACE FUNCTION mino_organisation() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(current_setting('mino.organisation', true), '')::uuid
$$;

DO $$
DECLARE
    tenant text;
    own    text;
BEGIN
    FOREACH tenant IN ARRAY ARRAY[
        'organisations', 'projects', 'batches', 'executions', 'jobs', 'sessions', 'execution_events', 'idempotency_keys',
        'project_secrets', 'remote_runs', 'session_files', 'hosts', 'host_leases', 'memberships', 'api_keys',
        'stream_tickets', 'organisation_usage', 'audit_log', 'users'
    ] LOOP
        own := CASE tenant
            WHEN 'organisations' THEN 'id = (SELECT mino_organisation())'
            WHEN 'users' THEN 'EXISTS (SELECT FROM memberships AS m WHERE m.user_id = users.id AND m.organisation_id = (SELECT mino_organisation()))'
            -- A query that is worked out once, not a call for every row.
            ELSE 'organisation_id = (SELECT mino_organisation())'
        END;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant);
        EXECUTE format('DROP POLICY IF EXISTS tenant ON %I', tenant);
        EXECUTE format('CREATE POLICY tenant ON %I TO mino_app USING (%s) WITH CHECK (%s)', tenant, own, own);
        EXECUTE format('DROP POLICY IF EXISTS system ON %I', tenant);
        EXECUTE format('CREATE POLICY system ON %I TO mino_system USING (true) WITH CHECK (true)', tenant);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mino_app, mino_system', tenant);
    END LOOP;
END
$$;

REVOKE UPDATE, DELETE ON audit_log FROM mino_app, mino_system;
-- What is an operator's to decide, and whom the issuer knows.
REVOKE INSERT, UPDATE, DELETE ON organisations FROM mino_app;
GRANT UPDATE (name, version, updated_at) ON organisations TO mino_app;
REVOKE INSERT, UPDATE, DELETE ON users FROM mino_app;
-- A process looks whether the schema is the one it expects.
GRANT SELECT ON bun_migrations TO mino_app, mino_system;

-- Under row-level security an index serves conditions whose functions are known to tell
-- nothing of the rows that they refuse. These two are not marked so, although their errors
-- are about the pattern alone, and the search for parts of URLs and for fields that did not
-- match would read whole batches. Only a superuser may mark them; without one the search is
-- as right, and slower in large batches.
DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF;
        ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) LEAKPROOF;
    END IF;
END
$$;
