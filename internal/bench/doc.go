// Package bench measures what design and documentation promise, for `make bench`: a
// table for people, and bench.json for programs.
//
// Every figure is measured in the run that prints it. Where a figure is a comparison,
// its baseline is measured in the same run, on the same servers, in turn with what is
// compared, so that a slow or busy machine slows both. The servers are those of package
// testkit: PostgreSQL, and the Temporal dev server in memory.
//
// It holds benchmarks alone, each in a file of its own; figures_test.go says which
// figures there are and what they should come to. To add one: define it there, and
// record it in a benchmark. `go test -bench NAME ./internal/bench` measures one.
//
// Failure: a target that is missed is shown and fails nothing; a measurement that cannot
// be taken fails the benchmark, and leaves its figures out.
package bench
