package oidc_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

// document answers with JSON.
func document(t *testing.T, value any) http.HandlerFunc {
	t.Helper()
	return text(marshal(t, value))
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// drip begins to answer and does not end.
func drip(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte(`{"keys":[`))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// TestDocuments has what an issuer may answer that is not to be believed.
func TestDocuments(t *testing.T) {
	t.Parallel()
	var lured atomic.Int64
	lure := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { lured.Add(1) }))
	t.Cleanup(lure.Close)
	huge := text(`{"keys":[],"x":"` + strings.Repeat("x", 256<<10) + `"}`)
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for block := []byte(strings.Repeat(" ", 1<<16)); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	// says is a configuration of the issuer, but for what is given.
	says := func(more map[string]any) func(*testing.T, *bundle) http.HandlerFunc {
		return func(t *testing.T, b *bundle) http.HandlerFunc {
			t.Helper()
			found := map[string]any{"issuer": b.issuer.URL, "jwks_uri": b.issuer.URL + oidctest.KeysPath}
			maps.Copy(found, more)
			return document(t, found)
		}
	}
	just := func(handler http.HandlerFunc) func(*testing.T, *bundle) http.HandlerFunc {
		return func(*testing.T, *bundle) http.HandlerFunc { return handler }
	}

	for _, c := range []struct {
		name, path string
		answer     func(*testing.T, *bundle) http.HandlerFunc
		reason     string
	}{
		{"ConfigurationNotFound", oidctest.DiscoveryPath, just(http.NotFound), "answered 404"},
		{"ConfigurationEmpty", oidctest.DiscoveryPath, just(text("")), "read its configuration"},
		{"ConfigurationThatIsAPage", oidctest.DiscoveryPath, just(text("<html>")), "read its configuration"},
		{"ConfigurationThatIsHuge", oidctest.DiscoveryPath, just(huge), "larger than 256 KiB"},
		{"ConfigurationThatIsEndless", oidctest.DiscoveryPath, just(endless), "larger than 256 KiB"},
		{"ConfigurationThatIsSlow", oidctest.DiscoveryPath, just(drip), "Client.Timeout"},
		{"ConfigurationOnAnotherHost", oidctest.DiscoveryPath, just(redirect(lure.URL)), "redirects to another host"},
		{"ConfigurationInACircle", oidctest.DiscoveryPath, just(redirect(oidctest.DiscoveryPath)), "redirects too often"},
		{"ConfigurationOfAnotherIssuer", oidctest.DiscoveryPath, says(map[string]any{"issuer": lure.URL}), "it is that of the issuer"},
		{"ConfigurationOfNoIssuer", oidctest.DiscoveryPath, says(map[string]any{"issuer": nil}), "it is that of the issuer"},
		{"ConfigurationWithTwoIssuers", oidctest.DiscoveryPath, func(_ *testing.T, b *bundle) http.HandlerFunc {
			return text(`{"issuer":"` + lure.URL + `","issuer":"` + b.issuer.URL + `","jwks_uri":"` + b.issuer.URL + `/keys"}`)
		}, "duplicate key"},
		{"ConfigurationWithATrailingSlash", oidctest.DiscoveryPath, func(t *testing.T, b *bundle) http.HandlerFunc {
			t.Helper()
			return says(map[string]any{"issuer": b.issuer.URL + "/"})(t, b)
		}, "it is that of the issuer"},
		{"KeysNowhere", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": nil}), "jwks_uri must be https"},
		{"KeysAtAPath", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": "/keys"}), "jwks_uri must be https"},
		{"KeysInTheClear", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": "http://id.example/keys"}), "jwks_uri must be https"},
		{"KeysAtThisMachineByAName", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": "http://localhost.example/keys"}), "jwks_uri must be https"},
		{"KeysInAFile", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": "file:///keys"}), "jwks_uri must be https"},
		{"KeysThatAreANumber", oidctest.DiscoveryPath, says(map[string]any{"jwks_uri": 1}), "read its configuration"},

		{"KeysNotFound", oidctest.KeysPath, just(http.NotFound), "answered 404"},
		{"KeysEmpty", oidctest.KeysPath, just(text("")), "read its keys"},
		{"KeysHuge", oidctest.KeysPath, just(huge), "larger than 256 KiB"},
		{"KeysEndless", oidctest.KeysPath, just(endless), "larger than 256 KiB"},
		{"KeysSlow", oidctest.KeysPath, just(drip), "Client.Timeout"},
		{"KeysOnAnotherHost", oidctest.KeysPath, just(redirect(lure.URL)), "redirects to another host"},
		{"KeysInACircle", oidctest.KeysPath, just(redirect(oidctest.KeysPath)), "redirects too often"},
		{"KeysMissing", oidctest.KeysPath, just(text(`{}`)), "no keys member"},
		{"KeysNull", oidctest.KeysPath, just(text(`{"keys":null}`)), "no keys member"},
		{"KeysThatAreNoList", oidctest.KeysPath, just(text(`{"keys":{}}`)), "read its keys"},
		{"KeysWithoutAnObject", oidctest.KeysPath, just(text(`[]`)), "read its keys"},
		{"KeysTwice", oidctest.KeysPath, just(text(`{"keys":[],"keys":[]}`)), "duplicate key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			if strings.HasSuffix(c.name, "Slow") {
				b.verifier.Client().Timeout = 50 * time.Millisecond
			}
			token := b.token(t)
			b.issuer.Answer(c.path, c.answer(t, b))
			b.unavailable(t, token, c.reason)

			b.verifier.Client().Timeout = 0
			b.issuer.Answer(c.path, nil)
			b.clock.forward(time.Second)
			b.accepts(t, token)

			b.verifier.Client().Timeout = 50 * time.Millisecond
			b.issuer.Answer(c.path, c.answer(t, b))
			b.clock.forward(5 * time.Minute)
			b.accepts(t, token)
			require.Zero(t, lured.Load(), "another host is never asked")
		})
	}

	t.Run("OfTheLargestSizeIsRead", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		body := marshal(t, map[string]any{"keys": []any{b.issuer.Key().Public()}})
		b.issuer.Answer(oidctest.KeysPath, text(body+strings.Repeat(" ", 256<<10-len(body))))
		b.accepts(t, b.token(t))
	})

	t.Run("ThreeRedirectsOnTheSameHostAreFollowedAndNoMore", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.issuer.Answer(oidctest.KeysPath, redirect("/1"))
		b.issuer.Answer("/1", redirect("/2"))
		b.issuer.Answer("/2", redirect(b.issuer.URL+"/3"))
		set := document(t, map[string]any{"keys": []any{b.issuer.Key().Public()}})
		b.issuer.Answer("/3", set)
		b.accepts(t, b.token(t))

		b.issuer.Answer("/3", redirect("/4"))
		b.issuer.Answer("/4", set)
		b.configure(t, nil)
		b.unavailable(t, b.token(t), "redirects too often")
		require.Zero(t, b.issuer.Requests("/4"))
	})

	t.Run("OfAnIssuerWithATrailingSlash", func(t *testing.T) {
		t.Parallel()
		b := &bundle{issuer: oidctest.New(t)}
		without := b.issuer.URL
		b.issuer.URL += "/"
		b.configure(t, nil)
		b.accepts(t, b.token(t))
		b.refuses(t, b.issuer.Token(t, map[string]any{"iss": without}), "its issuer is")
		require.Equal(t, 1, b.issuer.Requests(oidctest.DiscoveryPath))
	})

	t.Run("AreAskedForDirectlyAndIn5Seconds", func(t *testing.T) {
		t.Parallel()
		client := setup(t, nil).verifier.Client()
		require.Equal(t, 5*time.Second, client.Timeout)
		transport, ok := client.Transport.(*http.Transport)
		require.True(t, ok)
		require.Nil(t, transport.Proxy)
	})

	t.Run("OfNobody", func(t *testing.T) {
		t.Parallel()
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		b := setup(t, func(c *oidc.Config) { c.Issuer = gone.URL })
		b.unavailable(t, b.token(t), "refused")
	})
}

// TestSecureIssuer has an issuer on https.
func TestSecureIssuer(t *testing.T) {
	t.Parallel()
	// secure gives a bundle whose issuer is on https, and says where the keys are.
	secure := func(t *testing.T, keys func(insecure, secure string) string, trusted bool) *bundle {
		t.Helper()
		b := &bundle{issuer: oidctest.New(t)}
		insecure := b.issuer.URL
		routes := http.NewServeMux()
		server := httptest.NewUnstartedServer(routes)
		server.Config.ErrorLog = zap.NewStdLog(zap.NewNop()) // it would tell of who does not trust it
		server.StartTLS()
		t.Cleanup(server.Close)
		routes.HandleFunc(oidctest.DiscoveryPath, document(t, map[string]any{"issuer": server.URL, "jwks_uri": keys(insecure, server.URL)}))
		routes.HandleFunc(oidctest.KeysPath, document(t, map[string]any{"keys": []any{b.issuer.Key().Public()}}))
		routes.HandleFunc("/down", redirect(insecure+oidctest.KeysPath))
		b.issuer.URL = server.URL
		b.configure(t, nil)
		if trusted {
			theirs, ok := server.Client().Transport.(*http.Transport)
			require.True(t, ok)
			ours, ok := b.verifier.Client().Transport.(*http.Transport)
			require.True(t, ok)
			ours.TLSClientConfig = theirs.TLSClientConfig
		}
		return b
	}

	t.Run("IsBelieved", func(t *testing.T) {
		t.Parallel()
		b := secure(t, func(_, secure string) string { return secure + oidctest.KeysPath }, true)
		b.accepts(t, b.token(t))
	})

	t.Run("IsNotBelievedWithoutACertificateThatIsTrusted", func(t *testing.T) {
		t.Parallel()
		b := secure(t, func(_, secure string) string { return secure + oidctest.KeysPath }, false)
		b.unavailable(t, b.token(t), "certificate")
	})

	t.Run("HasNoKeysOnHTTP", func(t *testing.T) {
		t.Parallel()
		b := secure(t, func(insecure, _ string) string { return insecure + oidctest.KeysPath }, true)
		b.unavailable(t, b.token(t), "jwks_uri must be https, as the issuer is")
		require.Zero(t, b.issuer.KeyReads())
	})

	t.Run("LeadsToNoKeysOnHTTP", func(t *testing.T) {
		t.Parallel()
		b := secure(t, func(_, secure string) string { return secure + "/down" }, true)
		b.unavailable(t, b.token(t), "redirects to another host")
		require.Zero(t, b.issuer.KeyReads())
	})
}
