package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models"
)

// postUnder sends JSON under an idempotency key.
func (b *bundle) postUnder(key, path string, body any) *answer {
	b.t.Helper()
	req := b.request(http.MethodPost, path, "application/json", jsonBody(b.t, body))
	req.Header.Set("Idempotency-Key", key)
	return b.send(req)
}

func (b *bundle) count(model any) int {
	b.t.Helper()
	n, err := b.db.NewSelect().Model(model).Count(b.t.Context())
	require.NoError(b.t, err)
	return int(n)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()

	t.Run("ManyIdenticalStartsAreOne", func(t *testing.T) {
		t.Parallel()
		const starts = 200
		b := setup(t, nil)
		batch := b.batch(b.project(), 2)
		answers := make([]*answer, starts)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = b.postUnder("the-one", executePath(batch), `{"type": "production"}`) })
		}
		all.Wait()
		first := 0
		for _, a := range answers {
			require.Equal(t, string(answers[0].body), string(a.is(http.StatusAccepted).body))
			require.Equal(t, answers[0].header.Get("Location"), a.header.Get("Location"))
			if a.header.Get("Idempotency-Replayed") == "" {
				first++
			}
		}
		require.Equal(t, 1, first)
		require.Equal(t, 1, b.count((*models.Execution)(nil)))

		// Another process over the same records.
		fetcher := fetch.New(fetch.Config{})
		t.Cleanup(fetcher.Close)
		b.serve(api.Config{Store: b.store, Orchestrator: b.orch, Executors: executors.NewRegistry(fetcher), Logger: zap.NewNop()})
		again := b.postUnder("the-one", executePath(batch), `{ "type" : "production" }`).is(http.StatusAccepted)
		require.Equal(t, string(answers[0].body), string(again.body))
		b.postUnder("the-one", executePath(batch), `{"type": "test"}`).problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
		b.postUnder("the-one", "/api/projects", shopProject).problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
		b.postUnder("another", executePath(batch), `{"type": "production"}`).problem(http.StatusConflict, wire.CodeConflict)
	})

	t.Run("ProjectIsMadeOnceThoughItsNameIsTaken", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		key := uuid.NewString()
		made := b.postUnder(key, "/api/projects", shopProject).is(http.StatusCreated)
		again := b.postUnder(key, "/api/projects", shopProject).is(http.StatusCreated)
		require.Equal(t, string(made.body), string(again.body))
		require.Equal(t, made.header.Get("ETag"), again.header.Get("ETag"))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		b.postUnder(uuid.NewString(), "/api/projects", shopProject).problem(http.StatusConflict, wire.CodeConflict)
	})

	t.Run("NothingIsKeptOfWhatWasRefused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		key := uuid.NewString()
		b.postUnder(key, "/api/projects", `{}`).problem(http.StatusBadRequest, wire.CodeValidation)
		b.postUnder(key, "/api/projects", shopProject).is(http.StatusCreated)
	})

	t.Run("UploadIsTheSameByItsContent", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		path := "/api/batches?project_id=" + b.project().ID.String()
		upload := func(key, csv string) *answer {
			req := b.request(http.MethodPost, path, "text/csv", strings.NewReader(csv))
			req.Header.Set("Idempotency-Key", key)
			return b.send(req)
		}
		made := upload("u", "site_url\nhttps://shop.example/\n").is(http.StatusCreated)
		require.Equal(t, string(made.body), string(upload("u", "site_url\nhttps://shop.example/\n").is(http.StatusCreated).body))
		upload("u", "site_url\nhttps://shop.example/other\n").problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
		require.Equal(t, 1, b.count((*models.Batch)(nil)))
		form := func(boundary string) *answer {
			body := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n" +
				"site_url\nhttps://shop.example/\n\r\n--" + boundary + "--\r\n"
			req := b.request(http.MethodPost, path, "multipart/form-data; boundary="+boundary, strings.NewReader(body))
			req.Header.Set("Idempotency-Key", "form")
			return b.send(req)
		}
		require.Equal(t, string(form("one").is(http.StatusCreated).body), string(form("two").is(http.StatusCreated).body))
		require.Equal(t, 2, b.count((*models.Batch)(nil)))
		rows := `{"rows": [{"site_url": "https://shop.example/"}]}`
		b.postUnder("rows", path, rows).is(http.StatusCreated)
		b.postUnder("rows", path, rows).is(http.StatusCreated)
		require.Equal(t, 3, b.count((*models.Batch)(nil)))
	})

	t.Run("MalformedKeyIsRefused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		for _, key := range []string{strings.Repeat("k", 256), "two words", "é"} {
			p := b.postUnder(key, "/api/projects", shopProject).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			at(t, p, "Idempotency-Key")
		}
	})

	t.Run("OldKeyDoesNotCountAndIsForgotten", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		key := uuid.NewString()
		age := func() {
			_, err := b.db.ExecContext(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '24 hours'`)
			require.NoError(t, err)
		}
		b.postUnder(key, "/api/projects", shopProject).is(http.StatusCreated)
		age()
		other := strings.Replace(shopProject, "Shop", "Other", 1)
		require.Empty(t, b.postUnder(key, "/api/projects", other).is(http.StatusCreated).header.Get("Idempotency-Replayed"))
		require.NoError(t, b.store.ForgetKeys(t.Context()))
		require.Equal(t, "true", b.postUnder(key, "/api/projects", other).is(http.StatusCreated).header.Get("Idempotency-Replayed"))
		age()
		require.NoError(t, b.store.ForgetKeys(t.Context()))
		left, err := b.db.NewSelect().Table("idempotency_keys").Count(t.Context())
		require.NoError(t, err)
		require.Zero(t, left)
	})
}
