// Package faults breaks things under MINO while it works, and checks what must hold
// afterwards: real mino processes that are killed, servers that crash, lines that are
// cut, far sides that are unwell, clocks that are wrong.
//
// It holds tests alone. They do what users and operators do, through the API, and look
// into the database only to check (rig.RequireSound). Every test says at its end what it
// did: kills, interruptions, calls to the outside for each job, duration.
//
// Each test has two forms. The short one is part of `make test`. The long one, with
// thousands of jobs and dozens of faults, is `make test-faults`.
package faults
