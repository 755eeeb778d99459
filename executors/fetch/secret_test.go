package fetch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

// canary is a secret that looks different in a query, in a path and in JSON.
const canary = `C4n/ry +"ß`

// everywhere has the secret wherever it is allowed.
const everywhere = `{"headers":{"X-Key":"k {{secret.key}}"},"query":{"key":"{{secret.key}}","k":"a{{secret.key}}b"},"body":{"json":{"key":"{{secret.key}}"}}}`

// requireNoCanary looks for the secret in all that becomes of an attempt: what is stored,
// and every error within the error, as a log would print it.
func requireNoCanary(t *testing.T, outcome executors.Outcome, err error) {
	t.Helper()
	stored, encodingErr := json.Marshal(outcome)
	require.NoError(t, encodingErr)
	texts := []string{string(stored), fmt.Sprintf("%+v", outcome)}
	if err != nil {
		texts = append(texts, failure.Classify(err).Message)
	}
	for each := err; each != nil; each = errors.Unwrap(each) {
		texts = append(texts, each.Error(), fmt.Sprintf("%+v %#v", each, each))
	}
	for _, text := range texts {
		for _, form := range []string{"c4n/", "c4n%2f", "ry+", "ry%20"} {
			require.NotContains(t, strings.ToLower(text), form)
		}
	}
}

func secretRequest(address, settings string, fields ...field.Field) executors.Request {
	req := request(address, settings, fields...)
	req.Secrets = map[string]string{"key": canary}
	return req
}

// Servers that say again what they were sent, in every place of an answer from which
// something is kept.
func TestSecretsAreInNoOutcomeErrorOrAddress(t *testing.T) {
	t.Parallel()

	hijacked := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, strings.ReplaceAll(answer, "KEY", r.URL.Query().Get("key")))
			_ = conn.Close()
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"Page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, productPage) },
		"Title": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "<title>"+r.URL.Query().Get("key")+"</title>"+productPage)
		},
		"RedirectQuery": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, "/landed?"+r.URL.RawQuery+"&other="+strings.ToLower(url.QueryEscape(canary))+"&"+url.QueryEscape(canary)+"#"+url.PathEscape(canary), http.StatusSeeOther)
			}
		},
		"RedirectPath": func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, "/p/"+url.PathEscape(canary)+"/x", http.StatusSeeOther)
			}
		},
		"ContentType": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/"+r.URL.Query().Get("key"))
			_, _ = w.Write(nil)
		},
		"ContentEncoding": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", r.URL.Query().Get("key"))
			_, _ = io.WriteString(w, "x")
		},
		"Refusal": func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.RawQuery, http.StatusForbidden) },
		"RedirectScheme": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "c4n:"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		},
		"RedirectBroken":  hijacked("HTTP/1.1 302 Found\r\nLocation: http://[KEY\r\nContent-Length: 0\r\n\r\n"),
		"RedirectNowhere": hijacked("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/?KEY\r\nContent-Length: 0\r\n\r\n"),
		"NoHTTP":          hijacked("KEY\r\n\r\n"),
		"BrokenHeader":    hijacked("HTTP/1.1 200 OK\r\nKEY\r\n\r\n"),
		"BrokenLength":    hijacked("HTTP/1.1 200 OK\r\nContent-Length: KEY\r\n\r\n"),
		"BrokenChunk":     hijacked("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n"),
		"Cut":             func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan bool, 8)
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got <- r.Header.Get("X-Key") == "k "+canary && r.URL.Query().Get("key") == canary
				handler(w, r)
			})
			outcome, err := execute(t, newExecutor(t), secretRequest(server.URL+"/?v=1", everywhere))
			require.True(t, <-got, "the server has the secret")
			requireNoCanary(t, outcome, err)
			if name == "RedirectScheme" {
				require.Error(t, err)
			}
		})
	}
	t.Run("NoConnection", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		require.NoError(t, listener.Close())
		outcome, err := execute(t, newExecutor(t), secretRequest("http://"+address, everywhere))
		requireFailure(t, err, failure.Network, "CONNECTION_REFUSED")
		requireNoCanary(t, outcome, err)
	})
	t.Run("Timeout", func(t *testing.T) {
		t.Parallel()
		settings := strings.Replace(everywhere, "{", `{"timeout_ms":1000,`, 1)
		outcome, err := execute(t, newExecutor(t), secretRequest(stuck(t), settings))
		require.Error(t, err)
		requireNoCanary(t, outcome, err)
	})
	t.Run("SecretThatIsNoText", func(t *testing.T) {
		t.Parallel()
		req := secretRequest("http://127.0.0.1:1", everywhere)
		req.Secrets["key"] = "C4n/ry \xff"
		outcome, err := execute(t, newExecutor(t), req)
		require.Error(t, err)
		requireNoCanary(t, outcome, err)
	})
	t.Run("HeaderThatIsNone", func(t *testing.T) {
		t.Parallel()
		req := secretRequest("http://127.0.0.1:1", `{"headers":{"X-Key":"{{secret.key}}{{secret.lines}}"}}`)
		req.Secrets["lines"] = "a\r\nb"
		outcome, err := execute(t, newExecutor(t), req)
		require.Error(t, err)
		requireNoCanary(t, outcome, err)
	})
}

// The address stays of use: what is not secret in it is kept.
func TestAddressIsKeptWithoutItsSecrets(t *testing.T) {
	t.Parallel()

	server, _ := recorder(t, "text/html", `<a class="top" href="#top">x</a>`+productPage)
	req := secretRequest(server.URL+"/lamp?v=%31#red", `{"query":{"key":"{{secret.key}}","pin":"{{secret.pin}}","page":"1"}}`,
		field.Field{Name: "link", Type: field.TypeURL, Extract: &field.Extract{CSS: "a.top"}})
	req.Secrets["pin"] = "1"
	outcome, err := execute(t, newExecutor(t), req)
	require.NoError(t, err)
	require.Equal(t, server.URL+"/lamp?v=%31&key=***&page=1&pin=***#red", outcome.Evidence.FinalURL)
	require.Equal(t, server.URL+"/lamp?v=%31&key=***&page=1&pin=***#top", outcome.Fields["link"])
	requireNoCanary(t, outcome, err)
}
