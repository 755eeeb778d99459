// Package workflows holds BatchWorkflow, which runs one execution: it obeys signals and
// updates, answers queries, has chunks of the jobs run by child workflows, and ends the
// execution.
//
// Temporal is authoritative for a run that is live; the row mirrors its state, and is
// what holds back jobs that were handed to Temporal and not yet begun when a pause came.
// The job activities write sessions and results; the end of an execution is counted
// from the rows.
//
// Three workflows share the work:
//
//   - BatchWorkflow holds control and counters. It starts a chunk, and the next one as
//     soon as that has no more rows to take, with the slots that are free; so a history
//     that has grown costs no idle slot. It continues as new while chunks run.
//   - BatchChunk runs jobs as activities, in row order, as many at once as it is told,
//     until it has taken its number of rows or its history has grown. It reports to
//     BatchWorkflow and is told what holds by signals, both whole every time, so that
//     one that comes late or twice does no harm.
//   - ActivityJob runs one job by somebody else's activity, attempt by attempt.
//
// States, as the stats query reports them:
//
//	pending → running ⇄ paused → stopping → stopped
//	running → completed | failed
//
// Failure: activities that only read or write records are retried until the
// database answers, so an outage delays a run and never ends it. A job activity
// that ends without having written its outcome (its worker died on the last
// attempt) is recorded by the workflow. A chunk that ends without its last report (an
// operator terminated it) is noticed by BatchWorkflow, which gives its rows to another
// one. A chunk whose BatchWorkflow is gone stops. Cancellation of BatchWorkflow is a
// stop.
package workflows
