package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hash of algorithms that end in 256
	_ "crypto/sha512" // and of the others
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// RSABits is the size of RSA keys that NewKey makes: the smallest that is still allowed.
const RSABits = 2048

// Key is one that signs tokens. Its members are to be changed before it is used.
type Key struct {
	// ID is `kid` of its tokens and of itself; when it is empty neither has one.
	ID string
	// Algorithm is what it signs with.
	Algorithm string
	// Members are added to what is published of it; one that is nil is left out.
	Members map[string]any
	// Signer is the private key.
	Signer crypto.Signer
}

// NewKey makes a key that nobody has published; see Issuer.Add for the algorithms.
func NewKey(tb testing.TB, algorithm string) *Key {
	tb.Helper()
	k := &Key{ID: "key-" + uuid.NewString(), Algorithm: algorithm}
	var err error
	switch algorithm {
	case "ES256":
		k.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k.Signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k.Signer, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, k.Signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		require.Contains(tb, []string{"RS", "PS"}, algorithm[:2], "unknown algorithm %s", algorithm)
		k.Signer, err = rsa.GenerateKey(rand.Reader, RSABits)
	}
	require.NoError(tb, err)
	return k
}

// Public is the key as it is published, a JWK.
func (k *Key) Public() map[string]any {
	jwk := map[string]any{"use": "sig", "alg": k.Algorithm}
	if k.ID != "" {
		jwk["kid"] = k.ID
	}
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		jwk["kty"], jwk["crv"] = "EC", public.Curve.Params().Name
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			panic(err) // it was made by the standard library
		}
		jwk["x"], jwk["y"] = encode(point[1:1+size]), encode(point[1+size:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return with(jwk, k.Members)
}

// Sign makes a token of claims. Its header has alg, kid and typ; what is given is added,
// and what is given as nil is left out. The signature is that of the key's algorithm,
// whatever the header says.
func (k *Key) Sign(tb testing.TB, header, claims map[string]any) string {
	tb.Helper()
	standard := map[string]any{"alg": k.Algorithm, "typ": "JWT"}
	if k.ID != "" {
		standard["kid"] = k.ID
	}
	h, err := json.Marshal(with(standard, header))
	require.NoError(tb, err)
	payload, err := json.Marshal(claims)
	require.NoError(tb, err)
	return k.SignRaw(tb, string(h), string(payload))
}

// SignRaw makes a token of a header and a payload as they are.
func (k *Key) SignRaw(tb testing.TB, header, payload string) string {
	tb.Helper()
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(k.sign(tb, []byte(input)))
}

func (k *Key) sign(tb testing.TB, input []byte) []byte {
	tb.Helper()
	if k.Algorithm == "EdDSA" {
		signature, err := k.Signer.Sign(rand.Reader, input, crypto.Hash(0))
		require.NoError(tb, err)
		return signature
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[k.Algorithm[2:]]
	sum := hash.New()
	sum.Write(input) // a hash takes everything
	digest := sum.Sum(nil)
	if private, ok := k.Signer.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, private, digest)
		require.NoError(tb, err)
		size := (private.Curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		r.FillBytes(signature[:size])
		s.FillBytes(signature[size:])
		return signature
	}
	var options crypto.SignerOpts = hash
	if strings.HasPrefix(k.Algorithm, "PS") {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := k.Signer.Sign(rand.Reader, digest, options)
	require.NoError(tb, err)
	return signature
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// with adds to a standard what is given, and takes out what is given as nil.
func with(standard, given map[string]any) map[string]any {
	maps.Copy(standard, given)
	maps.DeleteFunc(standard, func(_ string, value any) bool { return value == nil })
	return standard
}
