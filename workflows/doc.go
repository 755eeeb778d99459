// Package workflows holds BatchWorkflow, which runs one execution: it fans out a
// window of job activities, obeys signals, answers queries, and ends the execution.
//
// Temporal is authoritative for a run that is live: the workflow decides which job
// runs when, and mirrors its state into the row for lists. The job activities write
// sessions and results; the end of an execution is counted from the rows.
//
// States, as the stats query reports them:
//
//	pending → running ⇄ paused → stopping → stopped
//	running → completed | failed
//
// Failure: activities that only read or write records are retried until the
// database answers, so an outage delays a run and never ends it. A job activity
// that ends without having written its outcome (its worker died on the last
// attempt) is recorded by the workflow. Cancellation of the workflow is a stop that
// cancels running jobs.
//
// A run that grows towards Temporal's history limits stops dispatching, waits for
// its running jobs and continues as new with its counters, cursor and control
// state.
package workflows
