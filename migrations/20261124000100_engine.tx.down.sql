DROP FUNCTION execution_status_held(uuid);
CREATE INDEX jobs_queue_idx ON jobs (execution_id, row_number) WHERE status = 'queued';
DROP INDEX jobs_open_idx;
DROP TABLE execution_events;
ALTER TABLE executions
    DROP COLUMN last_event_seq,
    DROP COLUMN tolerance,
    DROP COLUMN workflow_id;
