package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

// upload sends a file as the body itself; of the query, what is empty is left out.
func (b *bundle) upload(p wire.Project, contentType, file string, query ...string) *answer {
	b.t.Helper()
	return b.uploadTo("/api/batches", p, contentType, file, query...)
}

func (b *bundle) uploadTo(path string, p wire.Project, contentType, file string, query ...string) *answer {
	b.t.Helper()
	values := url.Values{"project_id": {p.ID.String()}}
	for i := 0; i < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	return b.send(b.request(http.MethodPost, path+"?"+values.Encode(), contentType, strings.NewReader(file)))
}

func TestBatchIsCreatedFromJSONLines(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	const lines = "{\"page\": \"shop.example/1\", \"gt_price\": [\"1.50\", 2]}\r\n\n {\"size\": 3, \"page\": \"https://shop.example/2\"} \n"
	mapping := `{"page": "site_url"}`
	requireRows := func(a *answer, name string) {
		batch := read[wire.Batch](a, http.StatusCreated)
		require.Equal(t, name, batch.Name)
		require.Equal(t, 2, batch.RowCount)
		require.Equal(t, []wire.Column{
			{Name: "page", Role: "site_url"}, {Name: "gt_price", Role: "ground_truth", Field: "price"}, {Name: "size", Role: "input"},
		}, batch.Columns)
		jobs := b.jobs(batch, "")
		require.Equal(t, []string{"1.50", "2"}, jobs[0].GroundTruth["price"])
		require.Equal(t, map[string]string{"size": "3"}, jobs[1].Input)
		require.Equal(t, "https://shop.example/2", jobs[1].SiteURL)
	}
	for _, kind := range []string{"application/x-ndjson", "application/jsonl", "application/jsonl; charset=utf-8"} {
		requireRows(b.upload(p, kind, lines, "name", "Mine", "columns", mapping), "Mine")
	}
	project, columns := part{name: "project_id", content: p.ID.String()}, part{name: "columns", content: mapping}
	for _, file := range []part{
		{name: "file", filename: "rows.jsonl", content: lines},
		{name: "file", filename: "rows.NDJSON", contentType: "application/octet-stream", content: lines},
		{name: "file", filename: "rows", contentType: "application/x-ndjson", content: lines},
	} {
		requireRows(b.uploadForm("", file, project, columns), "rows")
	}

	t.Run("AndRefusedWholeByRow", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		p := b.project()
		good := strings.Repeat(`{"site_url": "https://shop.example/"}`+"\n", 500)
		for _, test := range []struct{ name, lines, field, code, message string }{
			{"NotJSON", good + "{\"site_url\": x}\n", "row 501", "INVALID_JSON", "character 14"},
			{"NoObject", good + "[]\n", "row 501", "INVALID_CELL", "not an object"},
			{"BadURL", good + "\n\n" + `{"site_url": "x y"}`, "row 501, column site_url", "INVALID_URL", "(line 503 of the file)"},
			{"AnObjectAsACell", good + `{"site_url": "https://shop.example/", "x": {}}`, "row 501, column x", "INVALID_CELL", "a cell is"},
			{"WrongEncoding", good + "{\"site_url\": \"https://shop.example/\xfc\"}", "row 501", "INVALID_ENCODING", "UTF-8"},
			{"Empty", "\n \n", "file", "EMPTY_FILE", "empty"},
			{"TooManyRows", strings.Repeat(good, 20) + `{"site_url": "https://shop.example/"}`, "row 10001", "TOO_MANY_ROWS", "10000"},
			{"ARowThatIsTooLong", good + `{"site_url": "` + strings.Repeat("x", 2<<20) + "\"}\n" + good, "row 501", "ROW_TOO_LONG", "1048576"},
		} {
			problem := b.upload(p, "application/jsonl", test.lines).problem(http.StatusBadRequest, wire.CodeValidation)
			require.Len(t, problem.Errors, 1, test.name)
			require.Equal(t, test.field, problem.Errors[0].Field, test.name)
			require.Equal(t, test.code, problem.Errors[0].Code, test.name)
			require.Contains(t, problem.Errors[0].Message, test.message, test.name)
		}
		batches, jobs := b.stored()
		require.Zero(t, batches+jobs)
	})
}

func TestUploadOptionsAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	project := part{name: "project_id", content: p.ID.String()}

	t.Run("DelimiterIsTakenAtItsWord", func(t *testing.T) {
		t.Parallel()
		// A comma would be found, since it splits the header into more.
		const csv = "site_url;a,b,c\nhttps://shop.example/;1,2,3\n"
		require.Equal(t, ",", read[wire.Preview](b.uploadTo("/api/batches/preview", p, "text/csv", "site_url,a\nshop.example,1\n"), http.StatusOK).Delimiter)
		batch := read[wire.Batch](b.upload(p, "text/csv", csv, "delimiter", ";"), http.StatusCreated)
		require.Equal(t, []wire.Column{{Name: "site_url", Role: "site_url"}, {Name: "a,b,c", Role: "input"}}, batch.Columns)
		for _, delimiter := range []string{"\t", "tab"} {
			csv := strings.ReplaceAll(csv, ";", "\t")
			form := b.uploadForm("", part{name: "file", filename: "x.csv", content: csv}, project, part{name: "delimiter", content: delimiter})
			require.Len(t, read[wire.Batch](form, http.StatusCreated).Columns, 2)
		}
	})
	t.Run("ColumnsAreMappedInTheQuery", func(t *testing.T) {
		t.Parallel()
		batch := read[wire.Batch](b.upload(p, "text/csv", "page,note\nshop.example,x\n", "columns", `{"PAGE": "site_url", "note": "ignored"}`), http.StatusCreated)
		require.Equal(t, []wire.Column{{Name: "page", Role: "site_url"}, {Name: "note", Role: "ignored"}}, batch.Columns)
		require.Empty(t, b.jobs(batch, "")[0].Input)
		at(t, b.upload(p, "text/csv", "site_url\nshop.example\n", "columns", `{"other": "input"}`).
			problem(http.StatusBadRequest, wire.CodeValidation), "columns.other")
	})
	t.Run("AndRefusedWhenMalformed", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/api/batches", "/api/batches/preview"} {
			for parameter, value := range map[string]string{"delimiter": "x", "duplicates": "some", "columns": "{"} {
				csv := b.uploadTo(path, p, "text/csv", "site_url\nshop.example\n", parameter, value)
				at(t, csv.problem(http.StatusBadRequest, wire.CodeInvalidParams), parameter)
			}
			at(t, b.uploadTo(path, p, "application/jsonl", "{}", "delimiter", ";").problem(http.StatusBadRequest, wire.CodeInvalidParams), "delimiter")
		}
		file := part{name: "file", filename: "x.jsonl", content: `{"site_url": "shop.example"}`}
		refused := b.uploadForm("", file, project, part{name: "delimiter", content: ";"}, part{name: "duplicates", content: "some"}, part{name: "columns", content: `{"a": 1}`})
		require.ElementsMatch(t, []string{"delimiter", "duplicates", "columns.a"}, fieldsOf(refused.problem(http.StatusBadRequest, wire.CodeValidation)))
		at(t, b.post("/api/batches?project_id="+p.ID.String(), `{"duplicates": "some", "rows": [{"site_url": "shop.example"}]}`).
			problem(http.StatusBadRequest, wire.CodeValidation), "duplicates")
	})
}

func TestDuplicateRows(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	// Row 3 has another truth, row 5 another input; row 4 names only the host.
	const csv = "site_url,note,gt_sku\nhttps://shop.example,a,1\nhttps://shop.example/2,a,1\n" +
		"https://shop.example,a,2\nshop.example,a,1\nhttps://shop.example,b,1\n"
	lines := func() string {
		var out strings.Builder
		for _, row := range strings.Split(strings.TrimSpace(csv), "\n")[1:] {
			cells := strings.Split(row, ",")
			fmt.Fprintf(&out, "{%q: %q, %q: %q, %q: %q}\n", "site_url", cells[0], "note", cells[1], "gt_sku", cells[2])
		}
		return out.String()
	}()
	forms := map[string]func(action string) *answer{
		"CSV": func(action string) *answer { return b.upload(p, "text/csv", csv, "duplicates", action) },
		"JSONLines": func(action string) *answer {
			return b.upload(p, "application/x-ndjson", lines, "duplicates", action)
		},
		"Form": func(action string) *answer {
			return b.uploadForm("?project_id="+p.ID.String(), part{name: "file", filename: "x.csv", content: csv}, part{name: "duplicates", content: action})
		},
		"JSON": func(action string) *answer {
			member := ""
			if action != "" {
				member = fmt.Sprintf("%q: %q, ", "duplicates", action)
			}
			rows := strings.Join(strings.Split(strings.TrimSpace(lines), "\n"), ",")
			return b.post("/api/batches?project_id="+p.ID.String(), "{"+member+`"rows": [`+rows+`]}`)
		},
	}
	same := []wire.DuplicateRow{{Row: 3, OfRow: 1}, {Row: 4, OfRow: 1}}
	for name, send := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, action := range []string{"", "keep"} {
				kept := read[wire.Batch](send(action), http.StatusCreated)
				require.Equal(t, &wire.Duplicates{Action: "keep", Count: 2, Rows: same}, kept.Duplicates)
				require.Equal(t, 5, kept.RowCount)
			}
			skipped := read[wire.Batch](send("skip"), http.StatusCreated)
			require.Equal(t, &wire.Duplicates{Action: "skip", Count: 2, Skipped: 2, Rows: same}, skipped.Duplicates)
			require.Equal(t, 3, skipped.RowCount)
			var rows []int
			for _, job := range b.jobs(skipped, "") {
				rows = append(rows, job.Row)
			}
			require.Equal(t, []int{1, 2, 5}, rows, "what is stored keeps its number in the file")
			problem := send("refuse").problem(http.StatusBadRequest, wire.CodeValidation)
			require.Equal(t, []string{"row 3", "row 4"}, fieldsOf(problem))
			require.Equal(t, "DUPLICATE_ROW", problem.Errors[0].Code)
			require.Contains(t, problem.Errors[0].Message, "row 1")
		})
	}
	t.Run("AreCountedBeyondThoseThatAreNamed", func(t *testing.T) {
		t.Parallel()
		batch := read[wire.Batch](b.upload(p, "text/csv", "site_url\n"+strings.Repeat("shop.example\n", 500)), http.StatusCreated)
		require.Equal(t, 499, batch.Duplicates.Count)
		require.Len(t, batch.Duplicates.Rows, 100)
	})
	t.Run("AreTheSameAnswerUnderAKey", func(t *testing.T) {
		t.Parallel()
		send := func(action string) *answer {
			req := b.request(http.MethodPost, "/api/batches?project_id="+p.ID.String()+"&duplicates="+action, "text/csv", strings.NewReader(csv))
			req.Header.Set("Idempotency-Key", "duplicates")
			return b.send(req)
		}
		first := string(send("skip").is(http.StatusCreated).body)
		require.Equal(t, first, string(send("skip").is(http.StatusCreated).body))
		send("keep").problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
	})
}

func TestPreview(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.MaxRows = 50 })
	p := b.project()
	preview := func(contentType, file string, query ...string) wire.Preview {
		return read[wire.Preview](b.uploadTo("/api/batches/preview", p, contentType, file, query...), http.StatusOK)
	}

	t.Run("ShowsWhatWouldBeStored", func(t *testing.T) {
		t.Parallel()
		got := preview("text/csv; charset=windows-1252",
			"Site URL;gt_price;name;secret\nshop.example/1;1,50 \x80|1.50;M\xfcller;x\nshop.example/2;dear;5;y\nshop.example/1;;M\xfcller;z\n",
			"columns", `{"secret": "ignored"}`, "rows", "1")
		require.Equal(t, wire.Preview{
			CanBeCreated: true, Format: "csv", Charset: "windows-1252", Delimiter: ";", RowCount: 3, Complete: true,
			Columns: []wire.PreviewColumn{
				{Column: wire.Column{Name: "Site URL", Role: "site_url"}, CouldBe: []string{"site_url", "input", "ignored", "ground_truth:sku"}},
				{Column: wire.Column{Name: "gt_price", Role: "ground_truth", Field: "price"}, CouldBe: []string{"input", "ignored", "ground_truth:sku"}},
				{Column: wire.Column{Name: "name", Role: "input"}, CouldBe: []string{"input", "ignored", "ground_truth:sku"}},
				{Column: wire.Column{Name: "secret", Role: "ignored"}, CouldBe: []string{"input", "ignored", "ground_truth:sku"}},
			},
			Rows: []wire.PreviewRow{{
				Row: 1, SiteURL: "https://shop.example/1", Input: map[string]string{"name": "Müller"},
				GroundTruth: map[string][]string{"price": {"1,50 €", "1.50"}},
			}},
			Duplicates: wire.Duplicates{Action: "keep", Count: 1, Rows: []wire.DuplicateRow{{Row: 3, OfRow: 1}}},
			Problems:   []wire.UploadNote{},
			Warnings: []wire.UploadNote{
				{Field: "column secret", Code: "IGNORED_COLUMN", Message: "is ignored: its values are not stored"},
				{
					Field: "row 2, column gt_price", Row: 2, Line: 3, Column: "gt_price", Code: "UNREADABLE_TRUTH",
					Message: got.Warnings[1].Message,
				},
				{Field: "file", Code: "DUPLICATE_ROWS", Message: "1 rows have the same site_url and inputs as an earlier row"},
			},
			WarningCount: 3,
		}, got)
		require.Contains(t, got.Warnings[1].Message, `"dear"`)
	})
	t.Run("TellsProblemsAsData", func(t *testing.T) {
		t.Parallel()
		got := preview("text/csv", "site_url,gt_sku\nx y,1\nshop.example,2\nshop.example\n")
		require.False(t, got.CanBeCreated)
		require.Equal(t, 2, got.ProblemCount)
		require.Equal(t, wire.UploadNote{
			Field: "row 1, column site_url", Row: 1, Line: 2, Column: "site_url", Code: "INVALID_URL", Message: got.Problems[0].Message,
		}, got.Problems[0])
		require.Equal(t, wire.UploadNote{Field: "row 3", Row: 3, Line: 4, Code: "RAGGED_ROW", Message: got.Problems[1].Message}, got.Problems[1])
		require.Equal(t, []wire.PreviewRow{{Row: 2, SiteURL: "https://shop.example", Input: map[string]string{}, GroundTruth: map[string][]string{"sku": {"2"}}}}, got.Rows)
		require.Equal(t, 3, got.RowCount)
		require.True(t, got.Complete)
	})
	t.Run("ShowsColumnsThatHaveNoSiteURLYet", func(t *testing.T) {
		t.Parallel()
		got := preview("text/csv", "link,gt_colour\nhttps://shop.example,red\n")
		require.Equal(t, []string{"MISSING_SITE_URL", "UNKNOWN_FIELD"}, sortedCodes(got.Problems))
		require.Contains(t, got.Columns[0].CouldBe, "site_url")
		require.NotContains(t, got.Columns[1].CouldBe, "site_url")
		require.Equal(t, map[string]string{"link": "https://shop.example"}, got.Rows[0].Input)
	})
	t.Run("AgreesWithTheUploadItself", func(t *testing.T) {
		t.Parallel()
		for name, test := range map[string]struct{ kind, file string }{
			"Good":         {"text/csv", "site_url\nshop.example\n"},
			"GoodLines":    {"application/jsonl", `{"site_url": "shop.example"}`},
			"BadLine":      {"application/jsonl", "{\"site_url\": \"shop.example\"}\n{\"site_url\": \n"},
			"EmptyLines":   {"application/jsonl", ""},
			"Empty":        {"text/csv", ""},
			"HeaderOnly":   {"text/csv", "site_url\n"},
			"Blank":        {"text/csv", "site_url,,\nshop.example,,\n"},
			"Twice":        {"text/csv", "site_url,a,A\nshop.example,1,2\n"},
			"OpenQuote":    {"text/csv", "site_url,a\nshop.example,\"\nshop.example,2\n"},
			"TooMany":      {"text/csv", "site_url\n" + strings.Repeat("shop.example\n", 51)},
			"Charset":      {"text/csv; charset=klingon", "site_url\nshop.example\n"},
			"NotUTF8":      {"text/csv", "site_url\nshop.example/\xff\n"},
			"GoodRows":     {"application/json", `{"rows": [{"site_url": "shop.example"}]}`},
			"NoRows":       {"application/json", `{"rows": []}`},
			"BadRow":       {"application/json", `{"rows": [{"site_url": {}}, {}]}`},
			"ManyProblems": {"text/csv", "site_url\n" + strings.Repeat("x y\n", 50)},
			"Columns":      {"text/csv", "site_url" + strings.Repeat(",c", 1_000) + "\n"},
		} {
			got := preview(test.kind, test.file)
			created := b.upload(p, test.kind, test.file)
			require.Equal(t, got.CanBeCreated, created.status == http.StatusCreated, "%s: %+v, %s", name, got, created.body)
			if got.CanBeCreated {
				continue
			}
			problem := created.problem(http.StatusBadRequest, wire.CodeValidation)
			var fields []string
			for _, note := range got.Problems {
				fields = append(fields, note.Field)
			}
			require.Subset(t, fields, fieldsOf(problem), name)
		}
	})
	t.Run("ReadsToTheEndAndCountsEverything", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		p := b.project()
		got := read[wire.Preview](b.uploadTo("/api/batches/preview", p, "text/csv",
			"site_url,gt_price\n"+strings.Repeat("x y,1\n", 300)+strings.Repeat("shop.example,dear\n", 300), "rows", "100"), http.StatusOK)
		require.Equal(t, 600, got.RowCount)
		require.Equal(t, 300, got.ProblemCount)
		require.Len(t, got.Problems, 100)
		require.Equal(t, 301, got.WarningCount)
		require.Len(t, got.Warnings, 100)
		require.Len(t, got.Rows, 100)
		require.Equal(t, 301, got.Rows[0].Row)
	})
	t.Run("IsNoLargerThanItSays", func(t *testing.T) {
		t.Parallel()
		got := preview("text/csv", "site_url,a\n"+strings.Repeat("shop.example,"+strings.Repeat("x", 300_000)+"\n", 40), "rows", "100")
		require.Len(t, got.Rows, 3)
		require.Equal(t, 40, got.RowCount)
	})
	t.Run("OfAForm", func(t *testing.T) {
		t.Parallel()
		contentType, body := formOf(t, part{name: "file", filename: "x.csv", content: "site_url\nshop.example\n"}, part{name: "project_id", content: p.ID.String()})
		got := read[wire.Preview](b.send(b.request(http.MethodPost, "/api/batches/preview?rows=5", contentType, body)), http.StatusOK)
		require.True(t, got.CanBeCreated)
	})
	t.Run("IsRefusedWhenTheRequestIsMalformed", func(t *testing.T) {
		t.Parallel()
		for _, rows := range []string{"0", "101", "x"} {
			at(t, b.uploadTo("/api/batches/preview", p, "text/csv", "site_url\n", "rows", rows).problem(http.StatusBadRequest, wire.CodeInvalidParams), "rows")
		}
		at(t, b.upload(p, "text/csv", "site_url\n", "rows", "5").problem(http.StatusBadRequest, wire.CodeInvalidParams), "rows")
		b.send(b.request(http.MethodPost, "/api/batches/preview", "text/csv", strings.NewReader("x"))).problem(http.StatusBadRequest, wire.CodeInvalidParams)
		b.uploadTo("/api/batches/preview", wire.Project{ID: uuid.New()}, "text/csv", "site_url\n").problem(http.StatusNotFound, wire.CodeProjectNotFound)
		b.uploadTo("/api/batches/preview", p, "text/plain", "site_url\n").problem(http.StatusUnsupportedMediaType, wire.CodeUnsupportedMediaType)
	})
}

func TestPreviewMakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	got := read[wire.Preview](b.uploadTo("/api/batches/preview", p, "text/csv", "site_url\nshop.example\n"), http.StatusOK)
	require.True(t, got.CanBeCreated)
	batches, jobs := b.stored()
	require.Zero(t, batches+jobs)
}

func sortedCodes(notes []wire.UploadNote) []string {
	out := make([]string, len(notes))
	for i, n := range notes {
		out[i] = n.Code
	}
	slices.Sort(out)
	return out
}
