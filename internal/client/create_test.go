package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// flaky fails as told, in turn, then answers 200, and keeps what was sent.
type flaky struct {
	failures []func() (*http.Response, error)
	keys     []string
	bodies   []string
	paths    []string
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	f.bodies = append(f.bodies, string(body))
	f.paths = append(f.paths, r.URL.RequestURI())
	if n := len(f.keys); n <= len(f.failures) {
		return f.failures[n-1]()
	}
	return answer(http.StatusOK, nil, "{}"), nil
}

func lost() (*http.Response, error) { return nil, errors.New("the line was cut") }

func busy() (*http.Response, error) {
	return answer(http.StatusServiceUnavailable, map[string]string{"Retry-After": "7"}, "{}"), nil
}

// halfway is an answer that breaks off.
func halfway() (*http.Response, error) {
	resp := answer(http.StatusCreated, nil, "")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id": "`), errReader{}))
	return resp, nil
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func flakyClient(t *testing.T, cfg client.Config, failures ...func() (*http.Response, error)) (*client.Client, *flaky) {
	t.Helper()
	f := &flaky{failures: failures}
	cfg.BaseURL, cfg.HTTPClient = "http://api.test", &http.Client{Transport: f}
	c, err := client.New(cfg)
	require.NoError(t, err)
	return c, f
}

func TestCreation(t *testing.T) {
	t.Parallel()
	rows := func() io.Reader { return strings.NewReader("site_url\nshop.example\n") }
	calls := map[string]func(context.Context, *client.Client) error{
		"OfAProject": func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateProject(ctx, wire.ProjectRequest{Name: "x"})
			return err
		},
		"OfAnExecution": func(ctx context.Context, c *client.Client) error {
			_, err := c.Execute(ctx, uuid.Max, uuid.Max, wire.ExecuteRequest{Type: "test"})
			return err
		},
		"OfARerun": func(ctx context.Context, c *client.Client) error {
			_, err := c.Rerun(ctx, wire.RerunRequest{IDs: []uuid.UUID{uuid.Max}})
			return err
		},
		"OfABatch": func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateBatchCSV(ctx, uuid.Max, "", rows(), "x.csv")
			return err
		},
	}
	for name, create := range calls {
		t.Run(name+"IsSentAgainUnderTheSameKey", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sent := flakyClient(t, client.Config{}, lost, busy, halfway)
				start := time.Now()
				require.NoError(t, create(t.Context(), c))
				require.Len(t, sent.keys, 4)
				require.Len(t, sent.keys[0], 36)
				require.NoError(t, create(t.Context(), c))
				for _, key := range sent.keys[1:4] {
					require.Equal(t, sent.keys[0], key)
				}
				require.NotEqual(t, sent.keys[0], sent.keys[4], "another call has another key")
				for _, body := range sent.bodies[1:4] {
					require.Equal(t, essence(sent.bodies[0]), essence(body))
				}
				require.Equal(t, 250*time.Millisecond+7*time.Second+time.Second, time.Since(start))
			})
		})
		t.Run(name+"IsGivenUpInTheEnd", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sent := flakyClient(t, client.Config{MaxRetries: 2}, lost, lost, lost, lost)
				var unreachable *client.UnreachableError
				require.ErrorAs(t, create(t.Context(), c), &unreachable)
				require.Len(t, sent.keys, 3)
				sent.keys = nil
				require.Error(t, create(t.Context(), c.WithoutRetries()))
				require.Len(t, sent.keys, 1)
			})
		})
		t.Run(name+"IsNotSentAgainWhenItIsRefused", func(t *testing.T) {
			t.Parallel()
			c, sent := flakyClient(t, client.Config{}, func() (*http.Response, error) {
				return answer(http.StatusConflict, nil, `{"code": "CONFLICT"}`), nil
			})
			require.Equal(t, "CONFLICT", client.Code(create(t.Context(), c)))
			require.Len(t, sent.keys, 1)
		})
		t.Run(name+"EndsWithItsContext", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				c, sent := flakyClient(t, client.Config{}, busy)
				require.ErrorIs(t, create(ctx, c), context.DeadlineExceeded)
				require.Len(t, sent.keys, 1)
			})
		})
	}
	t.Run("OfABatchThatCannotBeReadAgainIsSentOnce", func(t *testing.T) {
		t.Parallel()
		c, sent := flakyClient(t, client.Config{}, lost)
		_, err := c.CreateBatchCSV(t.Context(), uuid.Max, "", io.MultiReader(rows()), "x.csv")
		var unreachable *client.UnreachableError
		require.ErrorAs(t, err, &unreachable)
		require.Len(t, sent.keys, 1)
		require.NotEmpty(t, sent.keys[0])
	})
	t.Run("OfABatchBeginsWhereTheSourceStood", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, sent := flakyClient(t, client.Config{}, lost)
			source := strings.NewReader("#comment\nsite_url\nshop.example\n")
			_, err := source.Seek(9, io.SeekStart)
			require.NoError(t, err)
			_, err = c.CreateBatchCSV(t.Context(), uuid.Max, "", source, "x.csv")
			require.NoError(t, err)
			for _, body := range sent.bodies {
				require.Contains(t, body, "\r\n\r\nsite_url\nshop.example\n")
				require.NotContains(t, body, "comment")
			}
			require.Len(t, sent.bodies, 2)
		})
	})
}

// essence is a body without its boundary.
func essence(body string) string {
	boundary, _, isForm := strings.Cut(body, "\r\n")
	if !isForm {
		return body
	}
	return strings.ReplaceAll(body, boundary, "--")
}

func TestReadsAreNotSentAgainWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	n := 0
	c, err := client.New(client.Config{BaseURL: "http://api.test", HTTPClient: &http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { n++; return lost() }),
	}})
	require.NoError(t, err)
	_, err = c.Stats(t.Context(), uuid.New())
	require.Error(t, err)
	require.Equal(t, 1, n)
}

func TestUploadSaysHowItIsToBeUnderstood(t *testing.T) {
	t.Parallel()
	form := map[string]string{}
	var uri, filename string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		uri, filename, form = r.URL.RequestURI(), "", map[string]string{}
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for name, values := range r.MultipartForm.Value {
			form[name] = values[0]
		}
		filename = r.MultipartForm.File["file"][0].Filename
		_ = json.NewEncoder(w).Encode(wire.Preview{CanBeCreated: true, RowCount: 3})
	})
	preview, err := c.PreviewBatch(t.Context(), client.Upload{
		ProjectID: uuid.Max, Content: strings.NewReader("x"), Filename: "x.csv", Columns: map[string]string{"a": "site_url"},
		Charset: "windows-1252", Delimiter: "\t", Duplicates: "skip",
	}, 25)
	require.NoError(t, err)
	require.True(t, preview.CanBeCreated)
	require.Equal(t, "/api/batches/preview?rows=25", uri)
	require.Equal(t, map[string]string{
		"project_id": uuid.Max.String(), "columns": `{"a":"site_url"}`, "charset": "windows-1252", "delimiter": "\t", "duplicates": "skip",
	}, form)

	_, err = c.CreateBatchJSONLines(t.Context(), uuid.Max, "Mine", strings.NewReader("{}"))
	require.NoError(t, err)
	require.Equal(t, "/api/batches", uri)
	require.Equal(t, "rows.jsonl", filename)
	require.Equal(t, map[string]string{"project_id": uuid.Max.String(), "name": "Mine"}, form)
}
