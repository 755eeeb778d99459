package ingest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// bareHost is a host with a dot, perhaps a port, and what may follow it in a URL.
var bareHost = regexp.MustCompile(`^([^/?#:@\\]+\.[^/?#:@\\]+)(:[0-9]+)?([/?#].*)?$`)

// hostLabel is one part of a host name. Underscores are no part of host names by
// the book, but sites that have them are served all the same.
var hostLabel = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

const maxHostLength = 253

// SiteURL checks the value of a site_url and gives it the form in which it is
// requested: trimmed, with https:// in front when it only named a host. Whether the
// address may be reached is decided when it is dialled.
func SiteURL(value string) (string, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", errors.New("is blank; every row needs the URL of a page")
	case len(value) > MaxURLLength:
		return "", fmt.Errorf("is %d bytes long; a URL may have %d", len(value), MaxURLLength)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "", fmt.Errorf("%s has white space or control characters in it", quoted(value))
	}
	full := value
	if strings.HasPrefix(value, "//") {
		full = "https:" + value
	} else if m := bareHost.FindStringSubmatch(value); m != nil && publicLooking(m[1]) {
		full = "https://" + value
	}
	if len(full) > MaxURLLength {
		return "", fmt.Errorf("is %d bytes long with its scheme; a URL may have %d", len(full), MaxURLLength)
	}
	u, err := url.Parse(full)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return "", fmt.Errorf("%s is not a URL: %w", quoted(value), err)
	}
	if err := checkURL(u); err != nil {
		return "", fmt.Errorf("%s %w", quoted(value), err)
	}
	return full, nil
}

func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is not an absolute http or https URL")
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("names no host")
	case u.User != nil:
		// It would be seen in every list and log.
		return errors.New("has a user name or password in it, which a URL must not have here")
	case !validHost(u.Hostname()):
		return errors.New("has a host that is no valid name or address")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("has a port outside 1–65535")
		}
	}
	return nil
}

// publicLooking tells a host from other text with a dot in it, such as "1.5" or a
// sentence: its last part has letters only, or it is an address.
func publicLooking(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return len(last) >= 2 && validHost(host) && !strings.ContainsFunc(last, unicode.IsDigit)
}

func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, r := range host {
		if r >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return false
			}
			host = ascii
			break
		}
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) > maxHostLength {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !hostLabel.MatchString(label) {
			return false
		}
	}
	// A last part of digits only would be an address in one of its odd spellings.
	_, err := strconv.ParseUint(labels[len(labels)-1], 0, 64)
	return err != nil
}

// quoted shows a value of the upload in a message, shortened.
func quoted(value string) string {
	const limit = 80
	if runes := []rune(value); len(runes) > limit {
		value = string(runes[:limit]) + "…"
	}
	return strconv.Quote(value)
}
