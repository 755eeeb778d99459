package oidc_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

const (
	wrongSignature = "its signature is wrong"
	wrongAlgorithm = "its algorithm is not among those that are allowed"
	noSuchKey      = "the issuer has no key of its id"
	noFittingKey   = "the issuer has no key of its id and algorithm"
	notSigned      = "it is not a signed JWT"
)

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func marshal(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// hmacToken is signed with a text that everybody knows.
func hmacToken(t *testing.T, b *bundle, secret []byte) string {
	t.Helper()
	header := map[string]any{"alg": "HS256", "kid": b.issuer.Key().ID}
	input := encode([]byte(marshal(t, header))) + "." + encode([]byte(marshal(t, b.issuer.Claims(nil))))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

// unsigned is a token without a signature.
func unsigned(t *testing.T, b *bundle, algorithm string) string {
	t.Helper()
	header := map[string]any{"alg": algorithm, "kid": b.issuer.Key().ID}
	return encode([]byte(marshal(t, header))) + "." + encode([]byte(marshal(t, b.issuer.Claims(nil)))) + "."
}

// parts are those of a good token.
func parts(t *testing.T, b *bundle) (header, payload, signature string) {
	t.Helper()
	split := strings.Split(b.token(t), ".")
	require.Len(t, split, 3)
	return split[0], split[1], split[2]
}

// TestForgeries has a token for each way to pass off one that the issuer has not signed.
// The issuer's keys are of RS256, EdDSA and ES256; one of the last signs good tokens.
func TestForgeries(t *testing.T) {
	t.Parallel()
	b := &bundle{issuer: oidctest.New(t)}
	rsaKey := b.issuer.Add(t, "RS256")
	edKey := b.issuer.Add(t, "EdDSA")
	anyKey := oidctest.NewKey(t, "ES256")
	anyKey.Members = map[string]any{"alg": nil} // it does not say what it is for
	b.issuer.Publish(anyKey)
	ecKey := b.issuer.Add(t, "ES256")
	b.configure(t, nil)
	thief := oidctest.NewKey(t, "ES256")
	stolenID := oidctest.NewKey(t, "ES256")
	stolenID.ID = ecKey.ID
	public, ok := rsaKey.Signer.Public().(*rsa.PublicKey)
	require.True(t, ok)
	pkix, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	var lured atomic.Int64
	lure := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		lured.Add(1)
		_, _ = w.Write([]byte(marshal(t, map[string]any{"keys": []any{thief.Public()}})))
	}))
	t.Cleanup(lure.Close)
	withHeader := func(k *oidctest.Key, header map[string]any) func(*testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			return k.Sign(t, header, b.issuer.Claims(nil))
		}
	}

	for _, c := range []struct {
		name, reason string
		token        func(t *testing.T) string
	}{
		{"AlgorithmNone", wrongAlgorithm, func(t *testing.T) string { return unsigned(t, b, "none") }},
		{"AlgorithmNoneInOtherCases", wrongAlgorithm, func(t *testing.T) string { return unsigned(t, b, "nOnE") }},
		{"AlgorithmNoneWithASignature", wrongAlgorithm, withHeader(ecKey, map[string]any{"alg": "none"})},
		{"AlgorithmMissing", wrongAlgorithm, withHeader(ecKey, map[string]any{"alg": nil})},
		{"AlgorithmEmpty", wrongAlgorithm, withHeader(ecKey, map[string]any{"alg": ""})},
		{"AlgorithmInLowerCase", wrongAlgorithm, withHeader(ecKey, map[string]any{"alg": "es256"})},
		{"AlgorithmThatIsNoText", notSigned, withHeader(ecKey, map[string]any{"alg": 256})},
		{"AlgorithmNotAllowed", wrongAlgorithm, withHeader(rsaKey, map[string]any{"alg": "RS512"})},
		{"NoSignatureUnderAGoodAlgorithm", wrongSignature, func(t *testing.T) string { return unsigned(t, b, "ES256") }},

		{"HMACWithThePublicKeyAsPEM", wrongAlgorithm, func(t *testing.T) string {
			return hmacToken(t, b, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}))
		}},
		{"HMACWithThePublicKeyAsPKCS1PEM", wrongAlgorithm, func(t *testing.T) string {
			return hmacToken(t, b, pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(public)}))
		}},
		{"HMACWithThePublicKeyAsDER", wrongAlgorithm, func(t *testing.T) string { return hmacToken(t, b, pkix) }},
		{"HMACWithTheModulus", wrongAlgorithm, func(t *testing.T) string { return hmacToken(t, b, public.N.Bytes()) }},
		{"HMACWithTheModulusAsPublished", wrongAlgorithm, func(t *testing.T) string { return hmacToken(t, b, []byte(encode(public.N.Bytes()))) }},
		{"HMACWithTheEmptySecret", wrongAlgorithm, func(t *testing.T) string { return hmacToken(t, b, nil) }},

		{"AnothersKey", noSuchKey, withHeader(thief, nil)},
		{"AnothersKeyUnderTheIssuersID", wrongSignature, withHeader(stolenID, nil)},
		{"AnothersKeyWithoutAnID", "it does not say which of several keys", withHeader(thief, map[string]any{"kid": nil, "alg": "ES256"})},
		{"IDOfAKeyOfAnotherKind", noFittingKey, withHeader(ecKey, map[string]any{"kid": rsaKey.ID})},
		{"IDOfAKeyOfAnotherCurve", noFittingKey, withHeader(edKey, map[string]any{"kid": ecKey.ID})},
		{"AlgorithmOfAnotherKind", noFittingKey, withHeader(rsaKey, map[string]any{"alg": "ES256"})},
		{"AlgorithmOfAnotherKindThanAKeyThatNamesNone", noFittingKey, withHeader(anyKey, map[string]any{"alg": "RS256"})},
		{"AlgorithmThatTheKeyIsNotFor", noFittingKey, withHeader(&oidctest.Key{ID: rsaKey.ID, Algorithm: "PS256", Signer: rsaKey.Signer}, nil)},
		{"IDThatIsNoText", notSigned, withHeader(ecKey, map[string]any{"kid": 1})},
		{"IDThatIsAPath", noSuchKey, withHeader(thief, map[string]any{"kid": "../../../dev/null"})},
		{"IDThatIsAnAddress", noSuchKey, withHeader(thief, map[string]any{"kid": lure.URL})},

		{"EmbeddedKey", noSuchKey, withHeader(thief, map[string]any{"jwk": thief.Public()})},
		{"EmbeddedKeyUnderTheIssuersID", wrongSignature, withHeader(stolenID, map[string]any{"jwk": stolenID.Public()})},
		{"EmbeddedKeyWithoutAnID", "it does not say which of several keys", withHeader(thief, map[string]any{"jwk": thief.Public(), "kid": nil})},
		{"EmbeddedSecret", notSigned, withHeader(thief, map[string]any{"jwk": map[string]any{"kty": "oct", "k": "c2VjcmV0"}})},
		{"AddressOfKeys", noSuchKey, withHeader(thief, map[string]any{"jku": lure.URL})},
		{"AddressOfKeysUnderTheIssuersID", wrongSignature, withHeader(stolenID, map[string]any{"jku": lure.URL})},
		{"AddressOfCertificates", wrongSignature, withHeader(stolenID, map[string]any{"x5u": lure.URL})},
		{"EmbeddedCertificate", wrongSignature, withHeader(stolenID, map[string]any{"x5c": []string{certificate(t, stolenID)}})},
		{"EmbeddedCertificateThatIsNone", notSigned, withHeader(ecKey, map[string]any{"x5c": []string{"AAAA"}})},

		{"CriticalExtension", "its header has crit", withHeader(ecKey, map[string]any{"crit": []string{"exp"}, "exp": 1})},
		{"CriticalExtensionOfNone", "its header has crit", withHeader(ecKey, map[string]any{"crit": []string{}})},
		{"CriticalExtensionThatTheLibraryKnows", "its header has crit", withHeader(ecKey, map[string]any{"crit": []string{"b64"}, "b64": true})},
		{"PayloadThatIsNotEncoded", "its header has b64", withHeader(ecKey, map[string]any{"b64": false})},
		{"TypeOfLogoutTokens", "of another type", withHeader(ecKey, map[string]any{"typ": "logout+jwt"})},
		{"TypeOfProofs", "of another type", withHeader(ecKey, map[string]any{"typ": "dpop+jwt"})},
		{"TypeThatIsNoText", "of another type", withHeader(ecKey, map[string]any{"typ": []string{"JWT"}})},
		{"TwoAlgorithms", notSigned, func(t *testing.T) string {
			return ecKey.SignRaw(t, `{"alg":"ES256","alg":"ES256","kid":"`+ecKey.ID+`"}`, marshal(t, b.issuer.Claims(nil)))
		}},
		{"TwoIDs", notSigned, func(t *testing.T) string {
			return ecKey.SignRaw(t, `{"alg":"ES256","kid":"`+ecKey.ID+`","kid":"`+ecKey.ID+`"}`, marshal(t, b.issuer.Claims(nil)))
		}},

		{"PayloadChanged", wrongSignature, func(t *testing.T) string {
			header, _, signature := parts(t, b)
			return header + "." + encode([]byte(marshal(t, b.issuer.Claims(nil)))) + "." + signature
		}},
		{"HeaderChanged", wrongSignature, func(t *testing.T) string {
			_, payload, signature := parts(t, b)
			return encode([]byte(`{"alg":"ES256","kid":"`+ecKey.ID+`"}`)) + "." + payload + "." + signature
		}},
		{"SignatureCut", wrongSignature, func(t *testing.T) string {
			header, payload, signature := parts(t, b)
			return header + "." + payload + "." + signature[:len(signature)-2] // a byte
		}},
		{"SignatureOfZeros", wrongSignature, func(t *testing.T) string {
			header, payload, _ := parts(t, b)
			return header + "." + payload + "." + encode(make([]byte, 64))
		}},
		{"SignatureOfTheOrderOfTheCurve", wrongSignature, func(t *testing.T) string {
			header, payload, _ := parts(t, b)
			n, ok := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
			require.True(t, ok)
			return header + "." + payload + "." + encode(append(n.Bytes(), n.Bytes()...))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b.refuses(t, c.token(t), c.reason)
			b.accepts(t, b.token(t))
			require.Zero(t, lured.Load(), "an address in a header is never asked")
		})
	}
}

// TestForm has a token for each way not to be in the compact form.
func TestForm(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	header, payload, signature := parts(t, b)
	good := header + "." + payload + "." + signature
	b.accepts(t, good)
	const strange = "it holds characters that no token has"

	for _, c := range []struct{ name, token, reason string }{
		{"Empty", "", notSigned},
		{"OnePart", header, notSigned},
		{"TwoParts", header + "." + payload, notSigned},
		{"FourParts", good + ".", notSigned},
		{"FivePartsAsOfEncryptedTokens", good + "." + header + "." + payload, notSigned},
		{"OnlyDots", "..", wrongAlgorithm},
		{"NoHeader", "." + payload + "." + signature, wrongAlgorithm},
		{"NoPayload", header + ".." + signature, wrongSignature},
		{"JSONForm", `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`, notSigned},
		{"Scheme", "Bearer " + good, strange},
		{"SpaceBefore", " " + good, strange},
		{"LineBreakInside", header + "." + payload[:4] + "\n" + payload[4:] + "." + signature, strange},
		{"LineBreakAfter", good + "\r\n", strange},
		{"NUL", good + "\x00", strange},
		{"NotASCII", good + "é", strange},
		{"Padding", good + "==", notSigned},
		{"OtherAlphabet", header + "." + payload + ".++++", notSigned},
		{"StrayBitsInTheSignature", header + "." + payload + "." + stray(signature), notSigned},
		{"HeaderThatIsNoObject", encode([]byte(`"ES256"`)) + "." + payload + "." + signature, notSigned},
		{"HeaderThatIsNull", encode([]byte(`null`)) + "." + payload + "." + signature, wrongAlgorithm},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b.refuses(t, c.token, c.reason)
		})
	}

	t.Run("TakesEightKiBAndNotAByteMore", func(t *testing.T) {
		t.Parallel()
		sized := func(header, payload int) string {
			return b.issuer.Key().Sign(t, map[string]any{"x": strings.Repeat("x", header)},
				b.issuer.Claims(map[string]any{"sub": "s", "fill": strings.Repeat("x", payload)}))
		}
		// Base64 is never of length 4n+1; header and payload together are of any.
		filled := func(size int) string {
			least := (size - len(sized(0, 0))) * 3 / 4
			for payload := least - 4; payload <= least+4; payload++ {
				for header := range 4 {
					if token := sized(header, payload); len(token) == size {
						return token
					}
				}
			}
			require.Fail(t, "no token is of that size")
			return ""
		}
		b.accepts(t, filled(8192))
		b.refuses(t, filled(8193), "larger than 8 KiB")
		b.refuses(t, strings.Repeat("a", 1<<20), "larger than 8 KiB")
	})

	t.Run("SaysNothingOfWhatIsUnsigned", func(t *testing.T) {
		t.Parallel()
		secret := uuid.NewString()
		for _, token := range []string{
			oidctest.NewKey(t, "ES256").Sign(t, map[string]any{"kid": secret}, map[string]any{"iss": secret}),
			oidctest.NewKey(t, "ES256").Sign(t, map[string]any{"alg": secret}, nil),
			oidctest.NewKey(t, "ES256").Sign(t, map[string]any{"kid": []string{secret}}, nil),
			oidctest.NewKey(t, "ES256").Sign(t, map[string]any{"typ": secret}, nil),
			secret,
		} {
			_, err := b.verifier.Verify(t.Context(), token)
			require.ErrorIs(t, err, oidc.ErrInvalid)
			require.NotContains(t, err.Error(), secret)
		}
	})

	t.Run("KnowsTheTypesOfTokensForAPIs", func(t *testing.T) {
		t.Parallel()
		for _, typ := range []any{nil, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"} {
			b.accepts(t, b.issuer.Key().Sign(t, map[string]any{"typ": typ}, b.issuer.Claims(nil)))
		}
	})
}

// stray sets a bit of the last character that no byte comes from.
func stray(part string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last|1])
}

// certificate is one that a key has signed for itself.
func certificate(t *testing.T, k *oidctest.Key) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Signer.Public(), k.Signer)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}
