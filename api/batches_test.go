package api_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

// part is one part of a form; it is a file when it has a filename.
type part struct {
	name, filename, contentType, content string
}

func formOf(t *testing.T, parts ...part) (contentType string, body io.Reader) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, p := range parts {
		header := textproto.MIMEHeader{}
		disposition := fmt.Sprintf("form-data; name=%q", p.name)
		if p.filename != "" {
			disposition += fmt.Sprintf("; filename=%q", p.filename)
		}
		header.Set("Content-Disposition", disposition)
		if p.contentType != "" {
			header.Set("Content-Type", p.contentType)
		}
		pw, err := w.CreatePart(header)
		require.NoError(t, err)
		_, err = io.WriteString(pw, p.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), &out
}

func (b *bundle) uploadForm(query string, parts ...part) *answer {
	b.t.Helper()
	contentType, body := formOf(b.t, parts...)
	return b.send(b.request(http.MethodPost, "/api/batches"+query, contentType, body))
}

func (b *bundle) uploadCSV(p wire.Project, csv string) *answer {
	b.t.Helper()
	return b.send(b.request(http.MethodPost, "/api/batches?project_id="+p.ID.String(), "text/csv", strings.NewReader(csv)))
}

func (b *bundle) jobs(batch wire.Batch, query string) []wire.Job {
	b.t.Helper()
	return read[wire.Page[wire.Job]](b.get("/api/batches/"+batch.ID.String()+"/jobs"+query), http.StatusOK).Data
}

func TestBatchIsCreatedFromAForm(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	file := part{name: "file", filename: `C:\data\Shop prices.csv`, contentType: "text/csv", content: "site_url;gt_price;Name\nshop.example/1;1,50 €|1.50;Müller\n"}

	t.Run("WithTheFileOnly", func(t *testing.T) {
		t.Parallel()
		created := b.uploadForm("?project_id="+p.ID.String(), file)
		batch := read[wire.Batch](created, http.StatusCreated)
		require.Equal(t, "/api/batches/"+batch.ID.String(), created.header.Get("Location"))
		require.Equal(t, "Shop prices", batch.Name)
		require.Equal(t, p.ID, batch.ProjectID)
		require.Equal(t, 1, batch.RowCount)
		require.Equal(t, []wire.Column{
			{Name: "site_url", Role: "site_url"}, {Name: "gt_price", Role: "ground_truth", Field: "price"}, {Name: "Name", Role: "input"},
		}, batch.Columns)
		require.Equal(t, &wire.Duplicates{Action: "keep", Rows: []wire.DuplicateRow{}}, batch.Duplicates)
		batch.Duplicates = nil // told once
		require.Equal(t, batch, read[wire.Batch](b.get("/api/batches/"+batch.ID.String()), http.StatusOK))

		jobs := b.jobs(batch, "")
		require.Len(t, jobs, 1)
		require.Equal(t, "https://shop.example/1", jobs[0].SiteURL)
		require.Equal(t, map[string]string{"Name": "Müller"}, jobs[0].Input)
		require.Equal(t, map[string][]string{"price": {"1,50 €", "1.50"}}, jobs[0].GroundTruth)
		require.Equal(t, "queued", jobs[0].Status)
		require.Equal(t, 1, jobs[0].Row)
	})
	t.Run("WithTheOtherPartsBehindTheFile", func(t *testing.T) {
		t.Parallel()
		batch := read[wire.Batch](b.uploadForm("",
			file, part{name: "columns", content: `{"name": "ground_truth:sku"}`}, part{name: "name", content: "Mine"},
			part{name: "project_id", content: p.ID.String()},
		), http.StatusCreated)
		require.Equal(t, "Mine", batch.Name)
		require.Equal(t, "sku", batch.Columns[2].Field)
		require.Equal(t, []string{"Müller"}, b.jobs(batch, "")[0].GroundTruth["sku"])
	})
	t.Run("WithADeclaredCharset", func(t *testing.T) {
		t.Parallel()
		latin := file
		latin.content = "site_url,name\nshop.example/1,M\xfcller\n"
		project := part{name: "project_id", content: p.ID.String()}
		declared := latin
		declared.contentType = "text/csv; charset=windows-1252"
		for _, parts := range [][]part{{project, declared}, {project, latin, {name: "charset", content: "windows-1252"}}} {
			batch := read[wire.Batch](b.uploadForm("", parts...), http.StatusCreated)
			require.Equal(t, "Müller", b.jobs(batch, "")[0].Input["name"])
		}
	})
	t.Run("OfMoreThanFitsInMemory", func(t *testing.T) {
		t.Parallel()
		large := file
		large.content = "site_url,note\n" + strings.Repeat("https://shop.example/,"+strings.Repeat("x", 4_000)+"\n", 1_000)
		batch := read[wire.Batch](b.uploadForm("?project_id="+p.ID.String(), large), http.StatusCreated)
		require.Equal(t, 1_000, batch.RowCount)
	})
}

func TestBatchIsCreatedFromACSVBody(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	req := b.request(http.MethodPost, "/api/batches?name=Mine&project_id="+p.ID.String(), "text/csv; charset=windows-1252",
		strings.NewReader("site_url,name\nshop.example/1,M\xfcller\n"))
	batch := read[wire.Batch](b.send(req), http.StatusCreated)
	require.Equal(t, "Mine", batch.Name)
	require.Equal(t, "Müller", b.jobs(batch, "")[0].Input["name"])

	unnamed := read[wire.Batch](b.uploadCSV(p, "site_url\nshop.example\n"), http.StatusCreated)
	require.Contains(t, unnamed.Name, "Upload of ")
}

func TestBatchIsCreatedFromJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	batch := read[wire.Batch](b.post("/api/batches?project_id="+p.ID.String(), `{
		"name": "Mine", "columns": {"page": "site_url"},
		"rows": [{"page": "https://shop.example/1", "gt_price": ["1.50", 2], "size": 3}, {"page": "shop.example/2"}]
	}`), http.StatusCreated)
	require.Equal(t, 2, batch.RowCount)
	require.Equal(t, []wire.Column{
		{Name: "page", Role: "site_url"}, {Name: "gt_price", Role: "ground_truth", Field: "price"}, {Name: "size", Role: "input"},
	}, batch.Columns)
	jobs := b.jobs(batch, "")
	require.Equal(t, []string{"1.50", "2"}, jobs[0].GroundTruth["price"])
	require.Equal(t, "https://shop.example/2", jobs[1].SiteURL)
	require.Nil(t, jobs[1].GroundTruth)
}

// TestBadUploadIsRefusedWhole goes through what people get wrong: each is a coded error
// that names the field or the row, and nothing is half written.
func TestBadUploadIsRefusedWhole(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	good := strings.Repeat("https://shop.example/,x\n", 500)
	tests := []struct {
		name    string
		csv     string
		field   string
		row     int
		code    string
		message string
	}{
		{"NoSiteURLColumn", "link,name\n" + good, "site_url", 0, "MISSING_SITE_URL", `"link", "name"`},
		{"RaggedRow", "site_url,name\n" + good + "https://shop.example/\n", "row 501", 501, "RAGGED_ROW", "1 cells"},
		{"DuplicateHeaders", "site_url,name,NAME\n" + good, "column NAME", 0, "DUPLICATE_HEADER", `"name"`},
		{"BadURL", "site_url,name\n" + good + "not a url,x\n" + good, "row 501, column site_url", 501, "INVALID_URL", "white space"},
		{"TooManyRows", "site_url,name\n" + strings.Repeat("https://shop.example/,x\n", 10_001), "row 10001", 10_001, "TOO_MANY_ROWS", "10000"},
		{"WrongEncoding", "site_url,name\n" + good + "https://shop.example/,M\xfcller\n", "row 501", 501, "INVALID_ENCODING", "UTF-16"},
		{"Empty", "", "file", 0, "EMPTY_FILE", "empty"},
		{"HeaderOnly", "site_url,name\n", "file", 0, "NO_ROWS", "no data row"},
		{"UnknownTruth", "site_url,gt_colour\n" + good, "column gt_colour", 0, "UNKNOWN_FIELD", `"price", "sku"`},
		{"NUL", "site_url,name\n" + good + "https://shop.example/,\x00\n", "row 501, column name", 501, "INVALID_CELL", "NUL"},
		{"QuoteLeftOpen", "site_url,name\n" + good + "https://shop.example/,\"x\n" + good, "row 501", 501, "INVALID_QUOTE", "not closed"},
		{"LinesThatDiffer", "site_url,name\n\n\n" + good + "x,y\n", "row 501, column site_url", 501, "INVALID_URL", "(line 504 of the file)"},
	}
	for _, test := range tests {
		answer := b.uploadCSV(p, test.csv)
		problem := answer.problem(http.StatusBadRequest, wire.CodeValidation)
		require.Len(t, problem.Errors, 1, test.name)
		got := problem.Errors[0]
		require.Equal(t, test.field, got.Field, test.name)
		require.Equal(t, test.row, got.Row, test.name)
		require.Equal(t, test.code, got.Code, test.name)
		require.Contains(t, got.Message, test.message, test.name)
	}
	many := b.uploadCSV(p, "site_url\n"+strings.Repeat("x y\n", 300)).problem(http.StatusBadRequest, wire.CodeValidation)
	require.Len(t, many.Errors, 100)
	require.Contains(t, many.Detail, "100 or more problems")
	rows := b.post("/api/batches?project_id="+p.ID.String(), `{"rows": [{"site_url": "shop.example"}, {"site_url": "x y"}]}`)
	require.Equal(t, 2, at(t, rows.problem(http.StatusBadRequest, wire.CodeValidation), "row 2, column site_url").Row)

	batches, jobs := b.stored()
	require.Zero(t, batches)
	require.Zero(t, jobs)
}

func TestUploadRequestIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	query := "?project_id=" + p.ID.String()
	file := part{name: "file", filename: "x.csv", content: "site_url\nshop.example\n"}
	t.Run("WithoutAProject", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm("", file).problem(http.StatusBadRequest, wire.CodeInvalidParams), "project_id")
	})
	t.Run("OfAnUnknownProject", func(t *testing.T) {
		t.Parallel()
		b.uploadForm("?project_id="+uuid.NewString(), file).problem(http.StatusNotFound, wire.CodeProjectNotFound)
	})
	t.Run("WithWrongParts", func(t *testing.T) {
		t.Parallel()
		p := b.uploadForm(query,
			part{name: "file", content: "site_url\n"}, part{name: "colums", content: "{}"}, part{name: "columns", content: `{"a": 1}`},
			part{name: "name", content: "a"}, part{name: "name", content: "b"}, part{name: "project_id", content: "7"},
			part{name: "charset", filename: "c", content: "utf-8"},
		).problem(http.StatusBadRequest, wire.CodeValidation)
		require.ElementsMatch(t, []string{"file", "colums", "columns.a", "name", "project_id", "charset"}, fieldsOf(p))
	})
	t.Run("WithTwoProjects", func(t *testing.T) {
		t.Parallel()
		two := b.uploadForm(query, file, part{name: "project_id", content: uuid.NewString()})
		at(t, two.problem(http.StatusBadRequest, wire.CodeValidation), "project_id")
	})
	t.Run("WithNoOrTwoFiles", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm(query, part{name: "name", content: "x"}).problem(http.StatusBadRequest, wire.CodeValidation), "file")
		at(t, b.uploadForm(query, file, file).problem(http.StatusBadRequest, wire.CodeValidation), "file")
	})
	t.Run("WithAMappingThatIsNoJSON", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm(query, file, part{name: "columns", content: "{"}).problem(http.StatusBadRequest, wire.CodeValidation), "columns")
	})
	t.Run("WithAMappingOfNoColumn", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm(query, file, part{name: "columns", content: `{"x": "input"}`}).problem(http.StatusBadRequest, wire.CodeValidation), "columns.x")
	})
	t.Run("WithALongName", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm(query, file, part{name: "name", content: strings.Repeat("x", 201)}).problem(http.StatusBadRequest, wire.CodeValidation), "name")
	})
	t.Run("WithoutABoundary", func(t *testing.T) {
		t.Parallel()
		b.send(b.request(http.MethodPost, "/api/batches"+query, "multipart/form-data", strings.NewReader("x"))).
			problem(http.StatusBadRequest, wire.CodeValidation)
	})
	t.Run("CutOff", func(t *testing.T) {
		t.Parallel()
		contentType, body := formOf(t, file)
		whole, err := io.ReadAll(body)
		require.NoError(t, err)
		p := b.send(b.request(http.MethodPost, "/api/batches"+query, contentType, bytes.NewReader(whole[:len(whole)-10]))).
			problem(http.StatusBadRequest, wire.CodeValidation)
		require.Contains(t, p.Detail, "boundary")
	})
	t.Run("OfAnotherType", func(t *testing.T) {
		t.Parallel()
		b.send(b.request(http.MethodPost, "/api/batches"+query, "application/vnd.ms-excel", strings.NewReader("x"))).
			problem(http.StatusUnsupportedMediaType, wire.CodeUnsupportedMediaType)
	})
	t.Run("WithUnknownParameters", func(t *testing.T) {
		t.Parallel()
		at(t, b.uploadForm(query+"&delimiter=x", file).problem(http.StatusBadRequest, wire.CodeInvalidParams), "delimiter")
	})
	t.Run("OfRowsThatAreNone", func(t *testing.T) {
		t.Parallel()
		at(t, b.post("/api/batches"+query, `{"rows": {}}`).problem(http.StatusBadRequest, wire.CodeValidation), "rows")
		at(t, b.post("/api/batches"+query, `{"rows": []}`).problem(http.StatusBadRequest, wire.CodeValidation), "rows")
		at(t, b.post("/api/batches"+query, `{}`).problem(http.StatusBadRequest, wire.CodeValidation), "rows")
		at(t, b.post("/api/batches"+query, `{"rows": [7]}`).problem(http.StatusBadRequest, wire.CodeValidation), "row 1")
	})
}

func TestUploadKeepsItsLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.BodyLimit, cfg.MaxRows = 100_000, 100 })
	p := b.project()
	query := "?project_id=" + p.ID.String()
	large := "site_url\n" + strings.Repeat("https://shop.example/\n", 10_000)
	contentType, form := formOf(t, part{name: "file", filename: "x.csv", content: large})
	formBody, err := io.ReadAll(form)
	require.NoError(t, err)
	for _, chunked := range []bool{false, true} {
		for kind, body := range map[string]string{"text/csv": large, contentType: string(formBody), "application/json": `{"rows": "` + large + `"}`} {
			req := b.request(http.MethodPost, "/api/batches"+query, kind, strings.NewReader(body))
			if chunked && kind == "text/csv" {
				continue // needs a length
			}
			if chunked {
				req.ContentLength = -1
			}
			b.send(req).problem(http.StatusRequestEntityTooLarge, wire.CodePayloadTooLarge)
		}
	}
	// Other requests have a smaller limit of their own.
	b.post("/api/projects", `{"name": "`+strings.Repeat("x", 1<<20)+`"}`).problem(http.StatusRequestEntityTooLarge, wire.CodePayloadTooLarge)

	tooMany := b.uploadCSV(p, "site_url\n"+strings.Repeat("https://shop.example/\n", 101))
	require.Equal(t, 101, tooMany.problem(http.StatusBadRequest, wire.CodeValidation).Errors[0].Row)
	b.uploadCSV(p, "site_url\n"+strings.Repeat("https://shop.example/\n", 100)).is(http.StatusCreated)
}

func TestBatchesAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p, other := b.project(), b.project()
	first, second := b.batch(p, 1), b.batch(p, 2)
	b.batch(other, 1)
	page := read[wire.Page[wire.Batch]](b.get("/api/batches?include_total=true&limit=1&project_id="+p.ID.String()), http.StatusOK)
	require.Equal(t, []wire.Batch{second}, page.Data)
	require.EqualValues(t, 2, *page.Pagination.Total)
	cursor := page.Pagination.NextCursor
	page = read[wire.Page[wire.Batch]](b.get("/api/batches?limit=1&project_id="+p.ID.String()+"&cursor="+cursor), http.StatusOK)
	require.Equal(t, []wire.Batch{first}, page.Data)
	require.False(t, page.Pagination.HasMore)
	require.Len(t, read[wire.Page[wire.Batch]](b.get("/api/batches"), http.StatusOK).Data, 3)
	require.Empty(t, read[wire.Page[wire.Batch]](b.get("/api/batches?project_id="+uuid.NewString()), http.StatusOK).Data)

	t.Run("UnderACursorOfTheseFiltersOnly", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{
			"/api/batches?cursor=" + cursor,
			"/api/batches?project_id=" + other.ID.String() + "&cursor=" + cursor,
			"/api/projects?cursor=" + cursor,
			"/api/executions?project_id=" + p.ID.String() + "&cursor=" + cursor,
		} {
			at(t, b.get(path).problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
		}
	})
	t.Run("UnderAWholeCursorOnly", func(t *testing.T) {
		t.Parallel()
		for i := range cursor {
			replacement := "A"
			if cursor[i] == 'A' {
				replacement = "B"
			}
			damaged := cursor[:i] + replacement + cursor[i+1:]
			at(t, b.get("/api/batches?project_id="+p.ID.String()+"&cursor="+damaged).problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
		}
	})
}
