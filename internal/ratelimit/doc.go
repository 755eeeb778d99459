// Package ratelimit says how many requests a key, an organisation and an address may
// make, with token buckets in memory.
//
// The caller is authoritative for the limits and hands them in with every request, so
// that an edit counts from the next request on. The Limiter is authoritative for what has
// been used of them, in this process only: n processes together allow up to n times as
// much, and a restart forgives everything. What must hold exactly, or over all processes,
// such as the number of running executions, is counted in PostgreSQL and not here.
//
// A bucket is full when its name is first heard of. Every request takes one token out;
// tokens come back evenly, PerMinute of them in a minute, until it is full again. A
// request takes one of each of its buckets or of none: one that is refused by its
// organisation's bucket does not use up its key's. Whole nanoseconds are counted, so
// nothing is lost or won by rounding.
//
// Memory is bounded: of each kind, the MaxBuckets that were used last are remembered. A
// bucket that is pushed out is full when it comes back. One that had become full in the
// meantime loses nothing by that; another one is forgiven what it had used. So that this
// is no way around the limits:
//
//   - Kinds have room of their own: addresses, of which an attacker may have many, never
//     push out a key or an organisation.
//   - A request that is refused makes no bucket. Whoever makes names up gets no further
//     with them than the limit of the bucket that they have in common.
//   - To be forgiven, a bucket must be left alone while MaxBuckets others of its kind are
//     used, and in less time than it takes to fill. Keys and organisations are named when
//     they have been found in the database, never as a request has them, so that those
//     would have to be as many real keys. Who has as many addresses is not held by a limit
//     per address anyway, and does better with a fresh address than with a forgiven one.
//   - Of IPv6, Network names the /64, of which one subscriber has all addresses.
//
// Failure: there is none. A limit that is not positive is no limit.
package ratelimit
