DROP TABLE sessions;
DROP TABLE jobs;
DROP TABLE executions;
DROP TABLE batches;
DROP TABLE projects;
DROP TABLE organisations;
