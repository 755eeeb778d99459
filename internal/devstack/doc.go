// Package devstack starts the servers that MINO stands on, PostgreSQL and the
// Temporal dev server, from binaries of the local machine: for `mino dev`, the demo
// and the tests. Production runs neither through this package. For tests that want
// Temporal as production has it, a Temporal server with PostgreSQL persistence can take
// the place of the dev server (see StartCluster).
//
// # What it owns
//
// Each server owns one directory, which the caller names. The directory is the
// authority on the server's data, and remembers the port and the password from one
// start to the next. A lock in it belongs to the process that started the server, so two
// of them never share data: the second start fails with ErrInUse. Only of a Temporal
// server on PostgreSQL the data is elsewhere, in its databases.
//
// Everything listens on 127.0.0.1 only.
//
// # Life of a server
//
//	StartX ──> running ──Stop──> stopped        Done is closed, Err is nil
//	              │ ────Kill──> stopped
//	              └─ dies by itself ─> failed   Done is closed, Err says why
//
// Stop and Kill may be called any number of times, from any goroutine, in any order.
// The servers run in process groups of their own, so Ctrl-C at a terminal reaches only
// the caller, which stops them in the order it wants.
//
// # When the caller dies
//
// On Linux the kernel signals the servers when the process that started them ends,
// however it ends. On other Unix systems a small shell waits for that and signals
// them. What is left over in spite of it, the next start in the same directory finds
// by its command line and stops before it goes on.
//
// # Failures
//
// A missing program gives an error that says how to install it. A server that does not
// come up gives an error that ends with the last lines of its log. PostgreSQL refuses
// to run as root: root's servers run as an unprivileged user, in another place when
// that user cannot enter the directory (see StartPostgres).
//
// The package needs a Unix system.
package devstack
