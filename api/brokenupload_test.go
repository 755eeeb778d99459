package api_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
)

// TestUploadThatBreaksOffLeavesNothing has clients leave when 99 % of an upload is sent.
// It is alone in the process, since it looks at the temporary files.
func TestUploadThatBreaksOffLeavesNothing(t *testing.T) {
	b := setup(t, nil)
	p := b.project()
	spooled := t.TempDir()
	t.Setenv("TMPDIR", spooled) // after setup: the servers have files of their own
	files := func() int {
		entries, err := os.ReadDir(spooled)
		require.NoError(t, err)
		return len(entries)
	}
	// More than is kept in memory of any form.
	address := "https://shop.example/" + strings.Repeat("x", 500)
	csv := "site_url\n" + strings.Repeat(address+"\n", 9_000)
	lines := strings.Repeat(`{"site_url": "`+address+`"}`+"\n", 9_000)
	contentType, form := formOf(t, part{name: "file", filename: "x.csv", content: csv})
	formBody, err := io.ReadAll(form)
	require.NoError(t, err)
	tests := []struct {
		name, contentType, body string
		length                  int64
		spools                  bool
	}{
		{"ACSVOfSomeLength", "text/csv", csv, int64(len(csv)), true},
		{"JSONLinesOfSomeLength", "application/x-ndjson", lines, int64(len(lines)), true},
		{"AFormOfSomeLength", contentType, string(formBody), int64(len(formBody)), true},
		{"AFormInChunks", contentType, string(formBody), -1, true},
		{"JSONInChunks", "application/json", `{"rows": [` + strings.ReplaceAll(lines, "\n", ",") + `{}]}`, -1, false},
	}
	for _, path := range []string{"/api/batches", "/api/batches/preview"} {
		for _, test := range tests {
			reader, writer := io.Pipe()
			req := b.request(http.MethodPost, path+"?project_id="+p.ID.String(), test.contentType, reader)
			req.ContentLength = test.length
			id := uuid.NewString()
			req.Header.Set("X-Request-Id", id)
			answered := make(chan error, 1)
			go func() {
				resp, err := b.client.Do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				answered <- err
			}()
			_, err := io.WriteString(writer, test.body[:len(test.body)*99/100])
			require.NoError(t, err)
			if test.spools {
				require.Eventually(t, func() bool { return files() == 1 }, waitTime, tick, "%s is spooled", test.name)
			}
			require.NoError(t, writer.CloseWithError(io.ErrUnexpectedEOF))
			require.Error(t, <-answered, test.name)
			// The access log of the broken request shows that it is over.
			require.Eventually(t, func() bool {
				return b.logs.FilterMessage("request").FilterField(zap.String("request_id", id)).Len() == 1
			}, waitTime, tick)
			require.Zero(t, files(), "%s: a file is left", test.name)
			require.Zero(t, b.scoped.Stats().InUse, "%s: a connection is held", test.name)
			batches, jobs := b.stored()
			require.Zero(t, batches+jobs, test.name)
		}
	}
	// What is refused, and what is taken, leaves no file either.
	b.upload(p, "text/csv", csv).is(http.StatusCreated)
	b.upload(p, "application/jsonl", lines+"{").is(http.StatusBadRequest)
	b.uploadForm("?project_id="+p.ID.String(), part{name: "file", filename: "x.csv", content: csv}, part{name: "no", content: "x"}).is(http.StatusBadRequest)
	require.Zero(t, files())
	require.Zero(t, b.scoped.Stats().InUse)
}

func TestFileThatIsTheBodyNeedsItsLength(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	// Without one, the end of the body cannot be told from the end of the client.
	for _, contentType := range []string{"text/csv", "application/jsonl"} {
		req := b.request(http.MethodPost, "/api/batches?project_id="+p.ID.String(), contentType, io.MultiReader(strings.NewReader("site_url\nshop.example\n")))
		req.ContentLength = -1
		b.send(req).problem(http.StatusLengthRequired, wire.CodeLengthRequired)
	}
}
