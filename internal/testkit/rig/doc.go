// Package rig stands MINO up as its users run it, for tests of the whole: real mino
// processes on a real PostgreSQL and a real Temporal, web sites on the far side, a
// line between them that can be cut, and one check of what must hold afterwards.
//
// # Parts
//
//	Process   a mino process; it can be killed, terminated and read
//	Servers   a PostgreSQL and a Temporal of one test's own, which it may kill
//	Proxy     a TCP line that can be held, delayed and broken
//	FarSide   a web site that counts the calls for every row and can be slow and unwell
//
// RequireSound is the check. It reads the database alone, which is authoritative for
// what happened; what the far side counted is for the tests to hold against it.
//
// # Failures
//
// A part that does not come up fails its test. Everything is put away when the test
// ends, processes by SIGKILL, and a test that failed shows the end of what its
// processes printed.
package rig
