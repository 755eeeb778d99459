-- The roles stay: other databases of the server may use them.
DO $$
DECLARE
    tenant text;
BEGIN
    FOREACH tenant IN ARRAY ARRAY[
        'organisations', 'projects', 'batches', 'executions', 'jobs', 'sessions', 'execution_events', 'idempotency_keys',
        'project_secrets', 'remote_runs', 'session_files', 'hosts', 'host_leases'
    ] LOOP
        EXECUTE format('DROP POLICY IF EXISTS tenant ON %I', tenant);
        EXECUTE format('DROP POLICY IF EXISTS system ON %I', tenant);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', tenant);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format('REVOKE ALL ON %I FROM mino_app, mino_system', tenant);
    END LOOP;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER FUNCTION pg_catalog.texticlike(text, text) NOT LEAKPROOF;
        ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) NOT LEAKPROOF;
    END IF;
END
$$;
REVOKE ALL ON bun_migrations FROM mino_app, mino_system;
REVOKE UPDATE (name, version, updated_at) ON organisations FROM mino_app;

DROP TABLE IF EXISTS audit_log, organisation_usage, stream_tickets, api_keys, memberships, users;
DROP FUNCTION IF EXISTS audit_log_is_append_only();
DROP FUNCTION IF EXISTS mino_organisation();

ALTER TABLE organisations
    DROP COLUMN IF EXISTS task_queues,
    DROP COLUMN IF EXISTS max_jobs_per_day,
    DROP COLUMN IF EXISTS max_concurrent_jobs,
    DROP COLUMN IF EXISTS max_running_executions,
    DROP COLUMN IF EXISTS requests_per_minute,
    DROP COLUMN IF EXISTS updated_at,
    DROP COLUMN IF EXISTS version,
    DROP COLUMN IF EXISTS external_id;
