package oidc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken bounds a token, in bytes. It must be read before anything is known of it.
const maxToken = 8 << 10

// endOfDates is the beginning of the year 10000, in seconds: RFC 3339 ends there.
const endOfDates = 253402300800

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }

// signedToken is a token whose form is right, and of which nothing is believed yet.
type signedToken struct {
	jws       *jose.JSONWebSignature
	keyID     string
	algorithm string
}

// parse reads the form of a token. What the library says of it is left out of the reasons,
// since it quotes what is not signed.
func (v *Verifier) parse(raw string) (signedToken, error) {
	switch {
	case len(raw) > maxToken:
		return signedToken{}, invalid("it is larger than 8 KiB")
	case strings.ContainsFunc(raw, func(r rune) bool { return r < '!' || r > '~' }):
		return signedToken{}, invalid("it holds characters that no token has")
	}
	if !canonical(raw) {
		return signedToken{}, invalid("it is not a signed JWT")
	}
	jws, err := jose.ParseSignedCompact(raw, v.algorithms)
	if err != nil {
		var algorithm *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &algorithm) {
			return signedToken{}, invalid("its algorithm is not among those that are allowed")
		}
		return signedToken{}, invalid("it is not a signed JWT")
	}
	header := jws.Signatures[0].Protected
	// Extensions change what is signed, and none is known here.
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, there := header.ExtraHeaders[name]; there {
			return signedToken{}, invalid("its header has " + string(name))
		}
	}
	if typ, there := header.ExtraHeaders[jose.HeaderType]; there && !accessType(typ) {
		return signedToken{}, invalid("it is a token of another type")
	}
	return signedToken{jws: jws, keyID: header.KeyID, algorithm: header.Algorithm}, nil
}

// canonical tells whether each part of a token is written as base64 is by those who make
// it. The library decodes more than that, line breaks and stray bits among it, and has the
// signature over what it would have written itself: one token would have many spellings.
func canonical(raw string) bool {
	for part := range strings.SplitSeq(raw, ".") {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(decoded) != part {
			return false
		}
	}
	return true
}

// accessType tells whether a header's `typ` is that of a token to show to an API. Issuers
// sign others with the same keys, such as those that end a session (logout+jwt).
func accessType(value any) bool {
	name, _ := value.(string)
	switch strings.TrimPrefix(strings.ToLower(name), "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

// verify gives what a key of the issuer has signed.
func (s signedToken) verify(set keySet) ([]byte, error) {
	keys := set.fitting(s.keyID, s.algorithm)
	if s.keyID == "" && len(keys) > 1 {
		return nil, invalid("it does not say which of several keys signed it")
	}
	for _, key := range keys {
		if payload, err := s.jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	if len(keys) == 0 {
		return nil, invalid("the issuer has no key of its id and algorithm")
	}
	return nil, invalid("its signature is wrong")
}

// read checks the claims of a payload whose signature is right. Of a claim that is there
// twice nobody can say which is meant: the decoder refuses it, and names in other cases
// are other names.
func (v *Verifier) read(payload []byte) (Claims, error) {
	var (
		standard jwt.Claims
		all      map[string]any
	)
	if err := errors.Join(json.Unmarshal(payload, &standard), json.Unmarshal(payload, &all)); err != nil {
		return Claims{}, fmt.Errorf("%w: its claims can't be read: %w", ErrInvalid, err)
	}
	if err := v.check(standard, all); err != nil {
		return Claims{}, err
	}
	return v.claims(standard, all), nil
}

func (v *Verifier) check(c jwt.Claims, all map[string]any) error {
	switch {
	case c.Issuer != v.config.Issuer:
		return invalid(fmt.Sprintf("its issuer is %q", c.Issuer))
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(v.config.Audiences, a) }):
		return invalid(fmt.Sprintf("it is for the audience %q", []string(c.Audience)))
	case c.Subject == "":
		return invalid("it has no subject")
	case !plain(c.Subject):
		return invalid("its subject is too long, or holds control characters")
	}
	if err := v.checkParty(len(c.Audience), all); err != nil {
		return err
	}
	return v.checkTimes(c, all)
}

func (v *Verifier) checkParty(audiences int, all map[string]any) error {
	party, there := all["azp"]
	name, text := party.(string)
	switch {
	case there && (!text || name == ""):
		return invalid("its authorized party is not a name")
	case len(v.config.AuthorizedParties) > 0 && !slices.Contains(v.config.AuthorizedParties, name):
		return invalid(fmt.Sprintf("its authorized party is %q", name))
	case audiences > 1 && !there:
		return invalid("it is for several audiences and does not say which party it was made for")
	}
	return nil
}

// checkTimes holds the dates against the clock. Dates of which no day could be written are
// refused first: what they become is up to the processor, and may be long ago.
func (v *Verifier) checkTimes(c jwt.Claims, all map[string]any) error {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if date, ok := all[name].(float64); ok && (date < 0 || date >= endOfDates) {
			return invalid("its " + name + " is no date")
		}
	}
	now := v.now()
	latest := now.Add(v.leeway)
	switch {
	case c.Expiry == nil:
		return invalid("it does not say when it expires")
	case !now.Add(-v.leeway).Before(c.Expiry.Time()):
		return invalid("it expired at " + stamp(c.Expiry))
	case c.NotBefore != nil && latest.Before(c.NotBefore.Time()):
		return invalid("it is not valid before " + stamp(c.NotBefore))
	case c.IssuedAt != nil && latest.Before(c.IssuedAt.Time()):
		return invalid("it was issued later than now, at " + stamp(c.IssuedAt))
	}
	return nil
}

func stamp(date *jwt.NumericDate) string { return date.Time().UTC().Format(time.RFC3339) }

// unavailable says why nobody knows.
func unavailable(reason error) error { return fmt.Errorf("%w: %w", ErrUnavailable, reason) }
