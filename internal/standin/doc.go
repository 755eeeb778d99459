// Package standin stands in for the web-agent API that the agent executor speaks to: it
// serves the same paths, shapes and refusals over real HTTP, runs nothing, and makes
// results up. Tests, benchmarks and people without an account use it.
//
// What a site's runs come to is scripted per address (Server.Script, or POST
// /stand-in/scripts), by the first label of its host (blocked.example.com), or by the
// default. All that is drawn by lot (how long a run takes, its steps, the values it
// finds) is decided by the seed, the address and the number of the run among those of
// that address: the same calls get the same answers. Only ids of runs are unique, as
// the runs of a stand-in that was started again are not those of the one before.
//
// The stand-in is authoritative for what was asked of it: Runs, Created and Stats are
// what a test holds its own records against. It deduplicates nothing, as the API does
// not: a create that is repeated is a second run, paid twice, and counted.
//
// A run is PENDING, then RUNNING, then COMPLETED, FAILED or CANCELLED. Nothing moves
// it: its times are fixed when it is created, and what it is follows from the clock.
// So runs go on while the server drops connections (Server.Down), as they do elsewhere
// when a network fails.
//
// Failure: nothing here fails but listening on an address that is taken. Handlers that
// wait (streams, blocking runs, delayed answers) break off when the client leaves, the
// server is down, or it is closed.
package standin
