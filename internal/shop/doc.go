// Package shop is a small shop on the web to try MINO on: some sixty product pages
// over real HTTP, written in the ways in which real shops write them, some of them
// slow, rate limited, blocked, broken or gone.
//
// Everything but the waiting is decided by the seed: the same seed gives the same
// products, pages, truths and misbehaviour. The shop is authoritative for what MINO
// should make of each page (Product.Expect), so that a run over it can be checked.
// What a page answers depends on how often it was asked: a page that is rate limited
// or flaky refuses the first request and then works, until ResetCounters.
//
// The pages hold traps on purpose: prices of other products, crossed-out prices,
// shipping costs, a basket, structured data about related products.
//
// Failure: nothing here fails but listening on an address that is taken. The server
// tolerates being stopped twice, or before it was started.
package shop
