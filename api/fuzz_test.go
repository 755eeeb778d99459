package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// FuzzCursor has lists read whatever comes as a cursor: only what the same list under
// the same filters gave is taken, and it is read as it was meant.
func FuzzCursor(f *testing.F) {
	seed := func(l *list, position []byte) {
		f.Add(l.token(position), l.name, strings.Join(l.filters, "\n"), position)
	}
	id := uuid.MustParse("019a0000-0000-7000-8000-000000000001")
	seed(&list{name: "batches"}, idPosition(id))
	seed(&list{name: "jobs", filters: []string{"batch_id=" + id.String(), "status=failed, queued"}}, rowPosition(7))
	seed(&list{name: "jobs"}, nil)
	for _, token := range []string{"", "!", "AAAA", "=", strings.Repeat("A", 32), strings.Repeat("_-", 300), "\x00"} {
		f.Add(token, "jobs", "", []byte{0, 0, 0, 1})
	}
	f.Fuzz(func(t *testing.T, token, name, filters string, position []byte) {
		l := &list{name: name, filters: strings.Split(filters, "\n")}
		read := func(l *list, token string, size int) ([]byte, bool) {
			q := &query{values: map[string][]string{"cursor": {token}}, known: map[string]bool{}}
			position := l.position(q, size)
			return position, len(q.errors) == 0
		}
		for _, size := range []int{4, 16, len(position)} {
			if got, taken := read(l, token, size); taken && token != "" {
				require.Len(t, got, size)
				require.Equal(t, token, l.token(append([]byte{}, got...)), "what is taken was given")
			}
		}
		own := l.token(append([]byte{}, position...))
		got, taken := read(l, own, len(position))
		require.True(t, taken)
		require.Equal(t, string(position), string(got))
		for _, other := range []*list{
			{name: name + "s", filters: l.filters},
			{name: name, filters: append([]string{"x=1"}, l.filters...)},
			{name: name, filters: append(append([]string{}, l.filters...), "")},
		} {
			_, taken := read(other, own, len(position))
			require.False(t, taken, "a cursor of another list")
		}
		_, taken = read(l, own, len(position)+1)
		require.False(t, taken, "a cursor of another length")
	})
}

// fuzzStore has one batch with jobs without end, and keeps what it was asked.
type fuzzStore struct {
	Store

	page models.JobPage
}

func (*fuzzStore) Batch(_ context.Context, org, id uuid.UUID) (*models.Batch, error) {
	return &models.Batch{ID: id, OrganisationID: org}, nil
}

func (s *fuzzStore) ListJobs(_ context.Context, _ uuid.UUID, _ models.JobFilter, page models.JobPage) ([]models.Job, error) {
	s.page = page
	if page.Limit < 1 || page.Limit > maxLimit+1 || page.AfterRow < 0 {
		return nil, errors.New("the page is not one that the API may ask for")
	}
	jobs := make([]models.Job, page.Limit)
	for i := range jobs {
		jobs[i].RowNumber = page.AfterRow%1_000_000 + i + 1
	}
	return jobs, nil
}

func (*fuzzStore) CountJobs(context.Context, uuid.UUID, models.JobFilter) (int64, error) {
	return 7, nil
}

// FuzzJobFilter has jobs listed under whatever comes as a query: it is refused, or a
// page whose cursor goes on where the page ends, under this query alone.
func FuzzJobFilter(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "status=failed,queued&status=failed", "verdict=wrong&error_class=network", "include_total=true&after_row=5",
		"execution_id=019a0000-0000-7000-8000-000000000001", "cursor=AAAA", "status=", "status=%00", "limit=101&x=1&limit=2",
		"after_row=2147483647", "after_row=-1", "status=failed%2Cqueued", "%ff=%fe", "a=b;c=d", "&&&=", "status=Failed", "+=+",
		"site=a&accuracy_min=0.5&has_ground_truth=true",
	} {
		f.Add(seed)
	}
	store := &fuzzStore{}
	app := New(Config{Store: store})
	path := "/api/batches/019a0000-0000-7000-8000-000000000002/jobs?"
	f.Fuzz(func(t *testing.T, text string) {
		list := func(query string) (int, wire.Page[wire.Job]) {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			req.Host = "localhost"
			req.URL = &url.URL{Path: strings.TrimSuffix(path, "?"), RawQuery: query}
			resp, err := app.Test(req, -1)
			if err != nil || resp.StatusCode == http.StatusRequestHeaderFieldsTooLarge {
				return 0, wire.Page[wire.Job]{} // it is no HTTP
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}, resp.StatusCode, "%s", body)
			var page wire.Page[wire.Job]
			if resp.StatusCode == http.StatusOK {
				require.NoError(t, json.Unmarshal(body, &page))
			}
			return resp.StatusCode, page
		}
		// A '#' or a space would end the query; they come escaped.
		text = strings.NewReplacer("#", "%23", " ", "%20", "\r", "%0D", "\n", "%0A").Replace(text)
		status, page := list(text)
		if status != http.StatusOK || !page.Pagination.HasMore || strings.Contains(text, "cursor") {
			return
		}
		last := page.Data[len(page.Data)-1].Row
		next := "cursor=" + page.Pagination.NextCursor
		if text != "" {
			next = text + "&" + next
		}
		status, following := list(next)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, last, store.page.AfterRow)
		require.Equal(t, last+1, following.Data[0].Row)
		status, _ = list(next + "&execution_id=019a0000-0000-7000-8000-00000000000f")
		require.Equal(t, http.StatusBadRequest, status, "a cursor under another filter")
	})
}
