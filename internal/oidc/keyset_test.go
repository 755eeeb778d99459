package oidc_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

// TestAlgorithms signs and checks with each.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	standard := map[string]bool{"RS256": true, "ES256": true, "EdDSA": true, "PS256": true}
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *oidc.Config) { c.Algorithms = []string{algorithm} })
			other := b.token(t)
			key := b.issuer.Add(t, algorithm)
			token := b.token(t)
			b.accepts(t, token)
			if algorithm != "ES256" {
				b.refuses(t, other, wrongAlgorithm)
			}
			key.Members = map[string]any{"alg": nil, "use": nil}
			b.configure(t, func(c *oidc.Config) { c.Algorithms = []string{algorithm, "ES256"} })
			b.accepts(t, token)
			b.accepts(t, other)
			b.configure(t, nil)
			if standard[algorithm] {
				b.accepts(t, token)
			} else {
				b.refuses(t, token, wrongAlgorithm)
			}
		})
	}
}

// TestKeysThatWontDo has an issuer publish keys that are not to be used, beside a good one.
func TestKeysThatWontDo(t *testing.T) {
	t.Parallel()
	// key is one that is published with other members than it has.
	key := func(algorithm string, members map[string]any) func(*testing.T) *oidctest.Key {
		return func(t *testing.T) *oidctest.Key {
			t.Helper()
			k := oidctest.NewKey(t, algorithm)
			k.Members = members
			return k
		}
	}
	sized := func(bits int) func(*testing.T) *oidctest.Key {
		return func(t *testing.T) *oidctest.Key {
			t.Helper()
			signer, err := rsa.GenerateKey(rand.Reader, bits)
			require.NoError(t, err)
			return &oidctest.Key{ID: uuid.NewString(), Algorithm: "RS256", Signer: signer}
		}
	}
	modulus := func(bits int) string {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return encode(n.Add(n, big.NewInt(1)).Bytes())
	}
	const beyond = "____________________________________________" // above the field's prime

	for _, c := range []struct {
		name string
		key  func(*testing.T) *oidctest.Key
	}{
		{"RSAOf1024Bits", sized(1024)},
		{"RSAOf2047Bits", sized(2047)},
		{"RSAOf8193Bits", key("RS256", map[string]any{"n": modulus(8193)})},
		{"RSAWithoutAModulus", key("RS256", map[string]any{"n": nil})},
		{"RSAWithAnExponentOf1", key("RS256", map[string]any{"e": "AQ"})},
		{"RSAWithAnExponentOf0", key("RS256", map[string]any{"e": "AA"})},
		{"ForEncryption", key("ES256", map[string]any{"use": "enc"})},
		{"ForAnotherOperation", key("ES256", map[string]any{"key_ops": []string{"sign"}})},
		{"ForAnotherAlgorithm", key("ES256", map[string]any{"alg": "ECDH-ES"})},
		{"OffTheCurve", key("ES256", map[string]any{"x": encode(make([]byte, 32))})},
		{"BeyondTheField", key("ES256", map[string]any{"y": beyond[:43]})},
		{"OfAnUnknownCurve", key("ES256", map[string]any{"crv": "secp256k1"})},
		{"OfAnUnknownKind", key("ES256", map[string]any{"kty": "lattice"})},
		{"OfNoKind", key("ES256", map[string]any{"kty": nil})},
		{"Shared", key("ES256", map[string]any{"kty": "oct", "k": "c2VjcmV0"})},
		{"Private", key("ES256", map[string]any{"d": encode(make([]byte, 32))})},
		{"OfAnotherCurveThanItSays", key("EdDSA", map[string]any{"crv": "X25519"})},
		{"Short", key("EdDSA", map[string]any{"x": "AAAA"})},
		{"Long", key("EdDSA", map[string]any{"x": encode(make([]byte, 33))})},
		{"WithAnIDThatIsNoText", key("ES256", map[string]any{"kid": 1})},
		{"WithABrokenCertificate", key("ES256", map[string]any{"x5c": []string{"AAAA"}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			good := b.token(t)
			bad := c.key(t)
			b.issuer.Publish(bad)
			b.refuses(t, b.token(t), noSuchKey)
			b.accepts(t, good)
		})
	}

	t.Run("WithTheCertificateOfAnother", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		bad := oidctest.NewKey(t, "ES256")
		bad.Members = map[string]any{"x5c": []string{certificate(t, oidctest.NewKey(t, "ES256"))}}
		b.issuer.Publish(bad)
		b.refuses(t, b.token(t), noSuchKey)
		good := oidctest.NewKey(t, "ES256")
		good.Members = map[string]any{"x5c": []string{certificate(t, good)}}
		b.issuer.Publish(good)
		b.configure(t, nil)
		b.accepts(t, b.token(t))
	})

	t.Run("SignedByAnybodyUnderAnExponentOf1", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		weak := oidctest.NewKey(t, "RS256")
		weak.Members = map[string]any{"e": "AQ"}
		b.issuer.Publish(weak)
		input := encode([]byte(`{"alg":"RS256","kid":"`+weak.ID+`"}`)) + "." + encode([]byte(marshal(t, b.issuer.Claims(nil))))
		b.refuses(t, input+"."+encode(padded(input)), noSuchKey)
	})

	t.Run("SignedByAnybodyUnderAnEmptyKey", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		empty := oidctest.NewKey(t, "EdDSA")
		empty.Members = map[string]any{"x": ""}
		b.issuer.Publish(empty)
		// One that is filled up with zeros is of order 4, so that every fourth text is signed
		// by the neutral point and 0.
		signature := append([]byte{1}, make([]byte, ed25519.SignatureSize-1)...)
		header := encode([]byte(`{"alg":"EdDSA","kid":"` + empty.ID + `"}`))
		for {
			input := header + "." + encode([]byte(marshal(t, b.issuer.Claims(nil))))
			if ed25519.Verify(make([]byte, ed25519.PublicKeySize), []byte(input), signature) {
				b.refuses(t, input+"."+encode(signature), noSuchKey)
				return
			}
		}
	})

	t.Run("ThatAreNoObjects", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.issuer.Answer(oidctest.KeysPath, document(t, map[string]any{"keys": []any{nil, 1, "key", []any{}, map[string]any{}, b.issuer.Key().Public()}}))
		b.accepts(t, b.token(t))
	})

	t.Run("ASetOfNone", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.issuer.Answer(oidctest.KeysPath, text(`{"keys":[]}`))
		b.refuses(t, b.token(t), noSuchKey)
	})
}

// padded is what a signature of PKCS #1 v1.5 is when the exponent is 1.
func padded(input string) []byte {
	const size = oidctest.RSABits / 8
	sha256Prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	digest := sha256.Sum256([]byte(input))
	end := append(append([]byte{0}, sha256Prefix...), digest[:]...)
	message := []byte{0, 1}
	for len(message) < size-len(end) {
		message = append(message, 0xff)
	}
	return append(message, end...)
}

// TestKeyIDs is about keys that share an id, or have none.
func TestKeyIDs(t *testing.T) {
	t.Parallel()

	t.Run("SharedByKeysOfSeveralKinds", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		shared := uuid.NewString()
		var tokens []string
		for _, algorithm := range []string{"ES256", "EdDSA", "ES256"} {
			key := oidctest.NewKey(t, algorithm)
			key.ID = shared
			b.issuer.Publish(key)
			tokens = append(tokens, b.token(t))
		}
		for _, token := range tokens {
			b.accepts(t, token)
		}
	})

	t.Run("NeededWhenSeveralKeysCouldBeMeant", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		nameless := map[string]any{"kid": nil}
		b.accepts(t, b.issuer.Key().Sign(t, nameless, b.issuer.Claims(nil)))
		b.issuer.Add(t, "EdDSA")
		b.configure(t, nil)
		b.accepts(t, b.issuer.Key().Sign(t, nameless, b.issuer.Claims(nil)))
		b.issuer.Rotate(t)
		b.configure(t, nil)
		b.refuses(t, b.issuer.Key().Sign(t, nameless, b.issuer.Claims(nil)), "it does not say which of several keys")
		b.accepts(t, b.token(t))
	})

	t.Run("OfNoneServesNoTokenThatHasOne", func(t *testing.T) {
		t.Parallel()
		b := &bundle{issuer: oidctest.New(t)}
		b.issuer.Retire(b.issuer.Key().ID)
		key := oidctest.NewKey(t, "ES256")
		key.ID = ""
		b.issuer.Publish(key)
		b.configure(t, nil)
		b.accepts(t, b.token(t))
		b.refuses(t, key.Sign(t, map[string]any{"kid": uuid.NewString()}, b.issuer.Claims(nil)), noSuchKey)
		b.refuses(t, key.Sign(t, map[string]any{"alg": "EdDSA"}, b.issuer.Claims(nil)), noFittingKey)
	})

	t.Run("OfNoneIsReplacedAfter5Minutes", func(t *testing.T) {
		t.Parallel()
		b := &bundle{issuer: oidctest.New(t)}
		b.issuer.Retire(b.issuer.Key().ID)
		replace := func() {
			b.issuer.Retire("")
			key := oidctest.NewKey(t, "ES256")
			key.ID = ""
			b.issuer.Publish(key)
		}
		replace()
		b.configure(t, nil)
		b.accepts(t, b.token(t))
		replace()
		b.refuses(t, b.token(t), wrongSignature)
		b.clock.forward(5 * time.Minute)
		b.accepts(t, b.token(t))
	})
}
