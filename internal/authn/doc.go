// Package authn says whose a request is.
//
// Somebody comes with an API key of MINO or with a token of the issuer that the operator
// trusts, in the header Authorization, or opens a stream with a ticket that they were given
// for it. What is made of it is a Principal in one organisation. What a principal may do is
// decided elsewhere.
//
// The records are authoritative for keys, people and memberships, and the issuer for its
// tokens. What they answer is believed for a second, counted from the question, in each
// process. So a key that is revoked, a membership that is ended and a role that is taken
// away have no effect any more a second later in all of them, and in streams, which ask
// with Stands every 3 seconds, 4 seconds later.
//
// A key is its organisation's and opens no other. A person has a role in each organisation
// that they are a member of, and names the one they mean in the header Mino-Organisation
// when there are several. A token that names an organisation is for that one alone; where
// it says a role there too, that is the role, and it is written into the records, so that
// it is the issuer who decides about membership. Where tokens are to name an organisation, one
// that names none, or several, opens none.
//
// The states of what was sent: unknown → good (asked for again after a second, and known
// from then on as one that was good) → ended, which it stays.
//
// Those who guess are held up by address, or by the /64 of IPv6: of what was not good
// before, an address may send 30 that are wrong in a minute, in each process, and nothing
// more is looked up for it until some of that time has passed. Whatever was good before is
// never held up, so that nobody is locked out by a neighbour. A mistyped key, a made-up
// ticket and a wrong secret of a key that is known here are refused without a question, and
// an id that no key has is asked for once in 30 seconds. Memory is bounded: 10,000 of each
// kind are remembered, those that were used last.
//
// Failure: ErrMissing, ErrInvalid, which is the same for all that is wrong with a key, a
// token or a ticket, ErrNoOrganisation and TooManyError. models.ErrUnavailable is that the
// records or the issuer can't be asked: nothing is known of whose it is then, and nobody is
// let in on what was known before.
package authn
