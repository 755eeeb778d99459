package api

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// address is where a request comes from: the other side of the connection or, when that is a
// proxy that the operator trusts, whom the proxy names. Each proxy puts behind the others
// who came to it, so the last one that is no such proxy is meant; what stands before it is
// the caller's own word, and counts for nothing.
func (s *server) address(c *fiber.Ctx) string {
	from := c.IP()
	if len(s.TrustedProxies) == 0 || !s.isProxy(from) {
		return from
	}
	lines := c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) // a proxy may write one of its own
	named := strings.Split(string(bytes.Join(lines, []byte(","))), ",")
	for _, one := range slices.Backward(named) {
		address, err := netip.ParseAddr(strings.TrimSpace(one))
		if err != nil {
			break // which no proxy writes
		}
		from = address.Unmap().WithZone("").String()
		if !s.isProxy(from) {
			break
		}
	}
	return from
}

func (s *server) isProxy(from string) bool {
	address, err := netip.ParseAddr(from)
	return err == nil && slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
}
