// Package safedial makes the dialer for connections whose address a tenant
// chooses: it connects to public addresses only.
//
// The check sits where the socket is about to connect, on the numeric address
// itself. A host name that resolves to a private address, a redirect to one, a
// name that changes its address between two look-ups, or an unusual spelling of
// an address (decimal, octal, IPv4 within IPv6) is therefore refused like the
// plain address. Refused are all networks that the IANA registers as special:
// loopback, private, link-local with the cloud metadata services, shared,
// documentation, multicast, 6to4, Teredo, NAT64 and everything outside global
// unicast. The operator may allow prefixes; tenants have no say.
//
// Failure: a refused dial is a permanent *failure.Error with CodeNotAllowed.
package safedial

import (
	"net"
	"net/netip"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/minohq/mino/models/failure"
)

// CodeNotAllowed is the failure code of a refused address.
const CodeNotAllowed = "ADDRESS_NOT_ALLOWED"

const (
	connectTimeout = 10 * time.Second
	keepAlive      = 30 * time.Second
	mappedBits     = 96 // length of ::ffff:0:0, which carries IPv4 within IPv6
)

// New makes a dialer for TCP that refuses every address which is not public,
// except those within the allowed prefixes. It is safe for concurrent use.
func New(allowed []netip.Prefix) *net.Dialer {
	v4, v6 := byFamily(allowed)
	guardian := ssrf.New(
		ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(v4...),
		ssrf.WithAllowedV6Prefixes(v6...),
	)
	return &net.Dialer{
		Timeout:   connectTimeout,
		KeepAlive: keepAlive,
		Control: func(network, address string, conn syscall.RawConn) error {
			if err := guardian.Safe(network, address, conn); err != nil {
				// The address stays out of the message: it would tell a tenant
				// how names resolve inside the operator's network.
				return failure.Wrap(err, failure.Permanent, CodeNotAllowed,
					"the address is not public, and the operator has not allowed it")
			}
			return nil
		},
	}
}

// byFamily sorts prefixes by the family in which addresses are dialled: IPv4
// written within IPv6 is IPv4.
func byFamily(prefixes []netip.Prefix) (v4, v6 []netip.Prefix) {
	for _, p := range prefixes {
		switch {
		case p.Addr().Is4():
			v4 = append(v4, p.Masked())
		case p.Addr().Is4In6() && p.Bits() >= mappedBits:
			v4 = append(v4, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits).Masked())
		case p.IsValid():
			v6 = append(v6, p.Masked())
		}
	}
	return v4, v6
}
