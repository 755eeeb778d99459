package parse

import (
	"net/url"
	"strings"
)

// URL gives the absolute http or https URL that text stands for. A relative one is
// resolved against base; without a base only text that begins with "www." is
// completed, with https. Other schemes (mailto, javascript, data) are refused.
func URL(s string, base *url.URL) (string, error) {
	s = strings.Map(dropBreaks, Text(s))
	if s == "" {
		return "", ErrEmpty
	}
	if base == nil && len(s) > 4 && strings.EqualFold(s[:4], "www.") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", ErrURL
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Opaque != "" {
		return "", ErrURL
	}
	return u.String(), nil
}

// dropBreaks removes what Text leaves for a replaced invalid byte: it is never part
// of an address.
func dropBreaks(r rune) rune {
	if r == '\uFFFD' {
		return -1
	}
	return r
}
