// Package e2e takes the whole system through its main jobs: the API over HTTP, the
// worker, a real Temporal server, a real PostgreSQL; only web sites are stand-ins,
// served over HTTP too.
//
// It holds tests alone. They speak to the system as users do, through the client, and
// look into the database only to check what must hold after everything (rig.RequireSound).
package e2e
