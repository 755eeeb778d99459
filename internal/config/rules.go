package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/validation"
	"github.com/jackc/pgx/v5"

	"github.com/minohq/mino/internal/vault"
)

const maxPort = 65535

var required validation.Rule = validation.Required.Error("is required")

// none is a rule that accepts everything.
var none validation.Rule = validation.By(func(any) error { return nil })

func unless(skip bool, rule validation.Rule) validation.Rule {
	if skip {
		return none
	}
	return rule
}

// between accepts lowest to highest. Unlike the library's Min and Max it does not
// take zero for a value that is absent.
func between[T cmp.Ordered](lowest, highest T) validation.Rule {
	return validation.By(func(value any) error {
		if n, ok := value.(T); !ok || n < lowest || n > highest {
			return fmt.Errorf("must be between %v and %v, is %v", lowest, highest, value)
		}
		return nil
	})
}

func oneOf(values ...string) validation.Rule {
	return validation.By(func(value any) error {
		if s, ok := value.(string); !ok || !slices.Contains(values, s) {
			return fmt.Errorf("must be one of %s, is %q", strings.Join(values, ", "), value)
		}
		return nil
	})
}

// pairedWith refuses a value whose other half is missing.
func pairedWith(other, otherFlag string) validation.Rule {
	return validation.By(func(value any) error {
		if value != "" && other == "" {
			return fmt.Errorf("needs %s as well", otherFlag)
		}
		return nil
	})
}

// hostPort accepts what a TCP address is: a host, which may be empty to listen on
// every address, and a port number.
func hostPort(value any) error {
	text, ok := value.(string)
	if !ok || text == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("must be HOST:PORT, is %q", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > maxPort {
		return fmt.Errorf("must have a port between 0 and %d, is %q", maxPort, text)
	}
	return nil
}

// databaseURL accepts what pgx can read. The error leaves the value out: where it
// cannot be read, it cannot be told which part of it is the password.
func databaseURL(value any) error {
	address, ok := value.(DatabaseURL)
	if !ok || address == "" {
		return nil
	}
	if _, err := pgx.ParseConfig(string(address)); err != nil {
		return errors.New("is not the address of a PostgreSQL database, such as postgres://user:password@host:5432/mino")
	}
	return nil
}

// secretsKey leaves the value out of its error, whatever it is.
func secretsKey(value any) error {
	secret, ok := value.(Secret)
	if !ok {
		return nil
	}
	_, err := vault.ParseKeys(string(secret))
	return err
}

func httpURL(value any) error {
	text, ok := value.(string)
	if !ok || text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.User != nil {
		return errors.New("must be an absolute http or https URL without a user")
	}
	return nil
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func currency(value any) error {
	if text, ok := value.(string); !ok || !currencyCode.MatchString(text) {
		return errors.New("must be an ISO 4217 code such as USD")
	}
	return nil
}

func networks(value any) error {
	texts, ok := value.([]string)
	if !ok {
		return nil
	}
	var wrong []string
	for _, text := range texts {
		if _, err := parseNetwork(text); err != nil {
			wrong = append(wrong, strconv.Quote(text))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("must be networks such as 10.1.0.0/16, but %s is none", strings.Join(wrong, ", "))
	}
	return nil
}

// origins accepts what browsers send as Origin: a scheme and a host, nothing after them.
// There is no pattern for all of them.
func origins(value any) error {
	texts, ok := value.([]string)
	if !ok {
		return nil
	}
	var wrong []string
	for _, text := range texts {
		parsed, err := url.Parse(strings.TrimSuffix(text, "/"))
		if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") ||
			parsed.Scheme+"://"+parsed.Host != strings.TrimSuffix(text, "/") || strings.Contains(parsed.Host, "*") {
			wrong = append(wrong, strconv.Quote(text))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("must be origins such as https://app.example, but %s is none", strings.Join(wrong, ", "))
	}
	return nil
}

// parseNetwork refuses a network with bits set beyond its length: 10.1.2.3/8 is more
// likely a mistake than a wish for all of 10.0.0.0/8.
func parseNetwork(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
	if err != nil {
		return netip.Prefix{}, err
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has address bits beyond its length", text)
	}
	return prefix, nil
}

func readableFile(value any) error {
	path, ok := value.(string)
	if !ok || path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	if info.IsDir() {
		return fmt.Errorf("must be a file, but %s is a directory", path)
	}
	return nil
}

// program accepts what can be run: a path, or a name on the PATH.
func program(value any) error {
	name, ok := value.(string)
	if !ok || name == "" {
		return nil
	}
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("cannot be run: %w", err)
	}
	return nil
}
