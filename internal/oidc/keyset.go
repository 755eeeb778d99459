package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// What RSA keys may be: smaller ones are too weak, larger ones take too long.
const (
	minRSABits     = 2048
	maxRSABits     = 8192
	minRSAExponent = 3
)

// keySet is the keys of an issuer that signatures can be checked with.
type keySet []jose.JSONWebKey

// readKeySet takes what it can use of a JWKS. A key that is of another kind or use, or is
// damaged, is as if it was not there: issuers publish keys for others too. A set of no keys
// is one; a document that is no set is an error.
func readKeySet(document []byte) (keySet, error) {
	var listed struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &listed); err != nil {
		return nil, err
	}
	if listed.Keys == nil {
		return nil, errors.New("it has no keys member")
	}
	set := keySet{}
	for _, one := range listed.Keys {
		var (
			key  jose.JSONWebKey
			made struct {
				Operations []string `json:"key_ops"`
				X          string   `json:"x"`
			}
		)
		if json.Unmarshal(one, &made) != nil || json.Unmarshal(one, &key) != nil {
			continue
		}
		if len(made.Operations) > 0 && !slices.Contains(made.Operations, "verify") {
			continue
		}
		if _, ok := key.Key.(ed25519.PublicKey); ok && base64.RawURLEncoding.DecodedLen(len(made.X)) != ed25519.PublicKeySize {
			// The library fills up what is cut, with zeros: with an empty one anybody can sign.
			continue
		}
		if (key.Use == "" || key.Use == "sig") && family(key.Key) != "" {
			set = append(set, key)
		}
	}
	return set, nil
}

// family is what the names of the algorithms of a public key match: none when it is no key
// to check signatures with.
func family(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		// With an exponent of 1 the signature is what it signs.
		if bits := key.N.BitLen(); bits >= minRSABits && bits <= maxRSABits && key.E >= minRSAExponent {
			return "RS256 RS384 RS512 PS256 PS384 PS512"
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return "ES256"
		case elliptic.P384():
			return "ES384"
		case elliptic.P521():
			return "ES512"
		}
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return ""
}

// has tells whether there is a key of an id. Every set has keys of no id.
func (s keySet) has(id string) bool {
	return id == "" || slices.ContainsFunc(s, func(k jose.JSONWebKey) bool { return k.KeyID == id })
}

// fitting are the keys of an id, or all when it is empty, that an algorithm goes with.
func (s keySet) fitting(id, algorithm string) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, key := range s {
		if id != "" && key.KeyID != id || key.Algorithm != "" && key.Algorithm != algorithm {
			continue
		}
		if slices.Contains(strings.Fields(family(key.Key)), algorithm) {
			keys = append(keys, key)
		}
	}
	return keys
}
