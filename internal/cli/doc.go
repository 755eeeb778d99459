// Package cli holds MINO's client commands, those under a noun (projects, batches,
// executions, jobs, truth) beside run and watch, and what make demo shows.
//
// A command is a struct with kong tags and a method Run(ctx, Streams); Commands has all
// of them, for cmd/mino to embed. All of them speak to the REST API and to nothing else, so they work
// alike against the dev stack and a cluster. The API is authoritative for the run;
// what is shown is the last answer, and a run goes on whether or not anybody
// watches.
//
// What is for reading by programs, and the result, goes to standard output; what
// tells of progress goes to standard error. On a terminal progress is a block of
// lines redrawn in place, elsewhere one line whenever something changed. With --json
// there is nothing but JSON on standard output: a list is one object a line, anything
// else one document. What came from pages and uploads is shown without control
// characters, which a terminal would obey.
//
// Failure: every error that Run returns holds an *ExitError with the exit code that
// scripts rely on (ExitCompleted and the others). An outage of the API while a run
// is watched is no failure: it is said, and the watch goes on until the run has
// ended or the watcher gives up. Ctrl-C asks, on a terminal, whether to stop the
// run or only the watching; elsewhere it only stops the watching. Commands that do not
// watch end at once.
package cli
