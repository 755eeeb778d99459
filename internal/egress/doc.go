// Package egress is the way out for programs that dial by themselves, which a browser
// does: a forward proxy on the loopback address that connects to public addresses only.
//
// The program is told to use the proxy for everything and to look up no names. A request
// for an address then comes here by name, is looked up here, and is dialled by package
// safedial, which judges the numeric address at the moment it is dialled: redirects,
// names that change their address, and odd spellings of addresses are all the same to it.
//
// Nothing passes without a Grant. A grant is a user and a password, made at random for
// one job, with which the program logs in at the proxy. It bounds the bytes that the job
// may move and the connections it may hold, counts both, and remembers why a host could
// not be reached, since a browser tells no more than that its tunnel failed. When the
// grant is closed, its connections are cut.
//
// CONNECT and plain http are served; nothing else is. Ports of services that a web page
// has no business with are refused, and so is the proxy itself.
//
// Failure: a refusal answers 403, a host that cannot be reached 502, both with the code
// in the header Header and with no address but the one that was asked for. A request
// without a valid grant answers 407.
package egress
