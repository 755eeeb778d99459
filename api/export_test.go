package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/export"
)

// exported is a table that was read back: its names, and rows of texts.
type exported struct {
	names []string
	rows  [][]string
}

// column gives the texts of a column.
func (e exported) column(t *testing.T, name string) []string {
	t.Helper()
	at := slices.Index(e.names, name)
	require.GreaterOrEqual(t, at, 0, "%s is none of %v", name, e.names)
	out := make([]string, len(e.rows))
	for i, row := range e.rows {
		out[i] = row[at]
	}
	return out
}

func readCSV(t *testing.T, body []byte) exported {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(t, err)
	return exported{names: records[0], rows: records[1:]}
}

// readObjects reads JSON objects one after another; their members keep their order.
func readObjects(t *testing.T, dec *json.Decoder) (out exported) {
	t.Helper()
	for dec.More() {
		token, err := dec.Token()
		require.NoError(t, err)
		require.Equal(t, json.Delim('{'), token)
		var names, row []string
		for dec.More() {
			name, err := dec.Token()
			require.NoError(t, err)
			var value json.RawMessage
			require.NoError(t, dec.Decode(&value))
			text, err := export.Text(value)
			require.NoError(t, err)
			names, row = append(names, name.(string)), append(row, text)
		}
		_, err = dec.Token()
		require.NoError(t, err)
		out.names, out.rows = names, append(out.rows, row)
	}
	return out
}

func readJSON(t *testing.T, body []byte) exported {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	start, err := dec.Token()
	require.NoError(t, err)
	require.Equal(t, json.Delim('['), start)
	return readObjects(t, dec)
}

func readJSONL(t *testing.T, body []byte) exported {
	t.Helper()
	return readObjects(t, json.NewDecoder(bytes.NewReader(body)))
}

func readXLSX(t *testing.T, body []byte) exported {
	t.Helper()
	file, err := excelize.OpenReader(bytes.NewReader(body), excelize.Options{RawCellValue: true})
	require.NoError(t, err)
	defer file.Close()
	sheet := file.GetSheetName(0)
	rows, err := file.GetRows(sheet)
	require.NoError(t, err)
	out := exported{names: rows[0]}
	for r := range rows[1:] {
		row := make([]string, len(out.names))
		for c := range out.names {
			at, err := excelize.CoordinatesToCellName(c+1, r+2)
			require.NoError(t, err)
			row[c], err = file.GetCellValue(sheet, at)
			require.NoError(t, err)
			kind, err := file.GetCellType(sheet, at)
			require.NoError(t, err)
			if kind == excelize.CellTypeBool {
				row[c] = strconv.FormatBool(row[c] == "1")
			}
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// odd is inputs as sites, and those who attack spreadsheets, have them.
var odd = []string{
	"chairs", "=1+1", "+49 30 123", "-12.5", "-12.5x", "@here", "\t=1", "two\nlines", "cr\rinside", `a "quoted", b`, "a;b|c", " padded ", "＝1+1", "😀", "bell\a",
	"007", "1e5", "TRUE",
}

// oddBatch is a batch whose inputs are odd and whose first jobs are finished, of all kinds.
func oddBatch(t *testing.T, b *bundle) (wire.Batch, wire.Execution) {
	t.Helper()
	rows := make([]map[string]any, len(odd))
	for i, text := range odd {
		rows[i] = map[string]any{
			"site_url": "https://shop.example/" + strconv.Itoa(i+1), "category, all": text, "gt_price": []string{"10.00", fmt.Sprintf("%d|5", i)},
		}
	}
	p := b.project()
	batch := read[wire.Batch](b.post("/api/batches?project_id="+p.ID.String(), wire.BatchRequest{Name: "Möbel: \"alle\"/2026", Rows: rows}), http.StatusCreated)
	e := b.execution(batch)
	finishJobs(b, e, b.jobs(batch, ""))
	_, err := b.db.ExecContext(t.Context(), `UPDATE jobs SET result = result || '{"sku": ["=a", "b|c", "d\\"], "weight": 12.50, "size": {"w": 1}, "new": true}'
		WHERE batch_id = ? AND row_number = 2`, batch.ID)
	require.NoError(t, err)
	return batch, e
}

func TestExportedFormatsAgreeCellByCell(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, e := oddBatch(t, b)
	for _, path := range []string{"/api/batches/" + batch.ID.String() + "/export", executionPath(e) + "/sessions/export"} {
		table := readJSON(t, b.get(path+"?format=json").is(http.StatusOK).body)
		require.NotEmpty(t, table.rows)
		require.Equal(t, table, readJSONL(t, b.get(path+"?format=jsonl").is(http.StatusOK).body))
		require.Equal(t, table, readXLSX(t, b.get(path+"?format=xlsx").is(http.StatusOK).body))
		defused := exported{names: table.names}
		for _, row := range table.rows {
			out := make([]string, len(row))
			for i, text := range row {
				out[i] = string(export.AppendDefused(nil, []byte(text)))
			}
			defused.rows = append(defused.rows, out)
		}
		require.Equal(t, defused, readCSV(t, b.get(path+"?format=csv").is(http.StatusOK).body))
	}

	csv := readCSV(t, b.get("/api/batches/"+batch.ID.String()+"/export").is(http.StatusOK).body)
	require.Equal(t, []string{
		"row", "job_id", "site_url", "input.category, all", "gt_price", "gt_sku", "result.price", "result.sku", "match.price", "match.sku",
		"status", "verdict", "accuracy", "attempts", "error_class", "error_code", "error_message", "execution_id", "started_at", "finished_at", "duration_ms",
	}, csv.names)
	require.Equal(t, []string{
		"chairs", "'=1+1", "'+49 30 123", "-12.5", "'-12.5x", "'@here", "'\t=1", "two\nlines", "cr\rinside", `a "quoted", b`, "a;b|c", " padded ", "'＝1+1", "😀", "bell\uFFFD",
		"007", "1e5", "TRUE",
	}, csv.column(t, "input.category, all"))
	require.Equal(t, []string{"10.00 EUR", "11.00 EUR", "", ""}, csv.column(t, "result.price")[:4])
	require.Equal(t, []string{"", `'=a|b\|c|d\`, "", ""}, csv.column(t, "result.sku")[:4])
	require.Equal(t, []string{"true", "false", "", ""}, csv.column(t, "match.price")[:4])
	require.Equal(t, []string{`10.00|0\|5`, `10.00|1\|5`}, csv.column(t, "gt_price")[:2])
	require.Equal(t, []string{"completed", "completed", "failed", "running", "queued"}, csv.column(t, "status")[:5])
	require.Equal(t, []string{"1", "0", "", ""}, csv.column(t, "accuracy")[:4])
	require.Equal(t, []string{"2", "1", "1", "1", "0"}, csv.column(t, "attempts")[:5])
	require.Equal(t, []string{"", "", "HTTP_404"}, csv.column(t, "error_code")[:3])
	require.Equal(t, e.ID.String(), csv.column(t, "execution_id")[0])
}

func TestExportKeepsTypesInJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, _ := oddBatch(t, b)
	query := "?format=json&columns=row,gt_price,result.price,result.sku,match.price&columns=" + url.QueryEscape("input.category, all") + "&columns=finished_at"
	rows := read[[]map[string]any](b.get("/api/batches/"+batch.ID.String()+"/export"+query), http.StatusOK)
	require.Len(t, rows, len(odd))
	require.IsType(t, "", rows[1]["finished_at"])
	delete(rows[1], "finished_at")
	require.Equal(t, map[string]any{
		"row": 2.0, "gt_price": []any{"10.00", "1|5"}, "result.price": map[string]any{"amount": "11.00", "currency": "EUR"},
		"result.sku": []any{"=a", "b|c", `d\`}, "match.price": false, "input.category, all": "=1+1",
	}, rows[1])
	require.Len(t, rows[4], 7, "what is not there is null")
	require.Nil(t, rows[4]["result.price"])
	require.Nil(t, rows[4]["finished_at"])
	for i := range rows {
		require.Equal(t, odd[i], rows[i]["input.category, all"])
	}
}

func TestExportIsAFile(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, e := oddBatch(t, b)
	jobs, sessions := "/api/batches/"+batch.ID.String()+"/export", executionPath(e)+"/sessions/export"
	const workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	tests := []struct {
		path, accept, kind, extension string
	}{
		{jobs, "", "text/csv; charset=utf-8; header=present", "csv"},
		{jobs + "?format=", "*/*", "text/csv; charset=utf-8; header=present", "csv"},
		{jobs, "text/html", "text/csv; charset=utf-8; header=present", "csv"},
		{jobs, "application/json", "application/json", "json"},
		{jobs, "application/json;q=0.1, application/x-ndjson", "application/x-ndjson", "jsonl"},
		{jobs, workbook, workbook, "xlsx"},
		{jobs + "?format=csv", "application/json", "text/csv; charset=utf-8; header=present", "csv"},
		{sessions + "?format=xlsx", "", workbook, "xlsx"},
	}
	for _, test := range tests {
		req := b.request(http.MethodGet, test.path, "", nil)
		if test.accept != "" {
			req.Header.Set("Accept", test.accept)
		}
		a := b.send(req).is(http.StatusOK)
		require.Equal(t, test.kind, a.header.Get("Content-Type"), test)
		kind := "jobs"
		if strings.HasPrefix(test.path, sessions) {
			kind = "sessions"
		}
		require.Equal(t, fmt.Sprintf(`attachment; filename="M_bel_ _alle__2026-%s.%s"; filename*=UTF-8''M%%C3%%B6bel_%%20_alle__2026-%s.%s`,
			kind, test.extension, kind, test.extension), a.header.Get("Content-Disposition"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Equal(t, !strings.Contains(test.path, "format=") || strings.HasSuffix(test.path, "format="), a.header.Get("Vary") == "Accept")
	}

	csv := string(b.get(jobs + "?columns=row,match.price&delimiter=semicolon&bom=true&status=completed").is(http.StatusOK).body)
	require.Equal(t, "\uFEFFrow;match.price\r\n1;true\r\n2;false\r\n", csv)
	require.Equal(t, "row\tstatus\r\n1\tcompleted\r\n", string(b.get(jobs+"?columns=row,status&delimiter=tab&verdict=correct").is(http.StatusOK).body))

	head := b.send(b.request(http.MethodHead, jobs, "", nil)).is(http.StatusOK)
	require.Empty(t, head.body)
	require.Contains(t, head.header.Get("Content-Disposition"), "attachment")
}

func TestExportIsFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, e := oddBatch(t, b)
	for query, want := range map[string][]string{
		"?status=completed,failed":                      {"1", "2", "3"},
		"?verdict=wrong":                                {"2"},
		"?error_class=permanent":                        {"3"},
		"?status=running&execution_id=" + e.ID.String(): {"4"},
		"?execution_id=" + uuid.NewString():             {},
	} {
		got := readCSV(t, b.get("/api/batches/"+batch.ID.String()+"/export"+query).is(http.StatusOK).body)
		require.Equal(t, want, got.column(t, "row"), query)
		require.Len(t, readXLSX(t, b.get("/api/batches/"+batch.ID.String()+"/export"+query+"&format=xlsx").is(http.StatusOK).body).rows, len(want))
	}
	none := "/api/batches/" + batch.ID.String() + "/export?verdict=blocked&format="
	require.Empty(t, b.get(none+"jsonl").is(http.StatusOK).body)
	require.JSONEq(t, `[]`, string(b.get(none+"json").is(http.StatusOK).body))

	got := readCSV(t, b.get(executionPath(e)+"/sessions/export").is(http.StatusOK).body)
	require.Equal(t, []string{"1", "1", "2", "3", "4"}, got.column(t, "row"))
	require.Equal(t, []string{"1", "2", "1", "1", "1"}, got.column(t, "attempt"))
	require.Equal(t, []string{"failed", "succeeded", "succeeded", "failed", "running"}, got.column(t, "status"))
	require.Equal(t, []string{"", "10.00 EUR", "11.00 EUR", "", ""}, got.column(t, "result.price"))
	require.Equal(t, `{"requests": 1}`, got.column(t, "usage")[1])
	require.Equal(t, "https://shop.example/2", got.column(t, "site_url")[2])
	got = readCSV(t, b.get(executionPath(e)+"/sessions/export?status=failed&columns=row,error_code,raw").is(http.StatusOK).body)
	require.Equal(t, [][]string{{"1", "HTTP_429", ""}, {"3", "HTTP_404", ""}}, got.rows)
}

func TestExportRemembersFieldsThatTheProjectHadBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	batch := b.batch(p, 4)
	finishJobs(b, b.execution(batch), b.jobs(batch, ""))
	b.patch("/api/projects/"+p.ID.String(), `{"fields": [{"name": "title"}]}`, "If-Match", `"1"`).is(http.StatusOK)
	got := readCSV(t, b.get("/api/batches/"+batch.ID.String()+"/export").is(http.StatusOK).body)
	require.Equal(t, []string{"result.title", "result.price", "result.sku"}, got.names[slices.Index(got.names, "result.title"):][:3])
	require.Equal(t, []string{"10.00 EUR", "11.00 EUR", "", ""}, got.column(t, "result.price"))
}

func TestExportAddsUpWhatItCost(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, _ := oddBatch(t, b)
	for _, statement := range []string{
		`UPDATE sessions SET cost_micros = 1500000, cost_currency = 'EUR' FROM jobs j WHERE j.id = job_id AND j.row_number <= 3`,
		`UPDATE sessions SET cost_currency = NULL FROM jobs j WHERE j.id = job_id AND j.row_number = 3`,
	} {
		_, err := b.db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	path := "/api/batches/" + batch.ID.String() + "/export?columns=row,cost"
	got := readCSV(t, b.get(path).is(http.StatusOK).body)
	require.Equal(t, []string{"3.00 EUR", "1.50 EUR", "1.50", "", ""}, got.column(t, "cost")[:5])
	_, err := b.db.ExecContext(t.Context(), `UPDATE sessions SET cost_currency = 'USD' FROM jobs j WHERE j.id = job_id AND j.row_number = 1 AND sessions.attempt = 2`)
	require.NoError(t, err)
	require.Empty(t, readCSV(t, b.get(path).is(http.StatusOK).body).column(t, "cost")[0], "euros and dollars have no sum")
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, e := oddBatch(t, b)
	jobs, sessions := "/api/batches/"+batch.ID.String()+"/export", executionPath(e)+"/sessions/export"
	for query, fields := range map[string][]string{
		"?format=pdf":                           {"format"},
		"?format=csv,json":                      {"format"},
		"?bom=yes":                              {"bom"},
		"?delimiter=x":                          {"delimiter"},
		"?format=json&bom=true":                 {"bom"},
		"?format=xlsx&delimiter=tab":            {"delimiter"},
		"?limit=5":                              {"limit"},
		"?status=done":                          {"status"},
		"?columns=a%00":                         {"columns"},
		"?columns=row,prices,row&format=xlsx":   {"columns", "columns"},
		"?columns=match.nothing":                {"columns"},
		"?format=x&bom=1&columns=%ff&unknown=1": {"bom", "columns", "format", "unknown"},
	} {
		for _, path := range []string{jobs, sessions} {
			p := b.get(path+query).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			require.Equal(t, fields, fieldsOf(p), query)
		}
	}
	p := b.get(jobs+"?columns=row,prices").problem(http.StatusBadRequest, wire.CodeInvalidParams)
	require.Equal(t, wire.FieldUnknown, p.Errors[0].Code)
	require.Contains(t, p.Errors[0].Message, `"prices"`)
	b.get("/api/batches/42/export").problem(http.StatusBadRequest, wire.CodeInvalidParams)
	b.get("/api/executions/42/sessions/export").problem(http.StatusBadRequest, wire.CodeInvalidParams)
	b.get("/api/batches/"+uuid.NewString()+"/export").problem(http.StatusNotFound, wire.CodeBatchNotFound)
	b.get("/api/batches/"+e.ID.String()+"/export?format=xlsx").problem(http.StatusNotFound, wire.CodeBatchNotFound)
	b.get("/api/executions/"+uuid.NewString()+"/sessions/export").problem(http.StatusNotFound, wire.CodeExecutionNotFound)
	resp := b.raw(t, "GET "+jobs+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode, "%s", body)
	require.Contains(t, string(body), "HTTP/1.1")
	require.Zero(t, b.scoped.Stats().InUse)
	// What was refused costs no connection.
	require.Zero(t, b.scoped.Stats().MaxIdleClosed)
}

func TestSessionsOfAnExecutionAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch, e := oddBatch(t, b)
	path := executionPath(e) + "/sessions"
	var seen []uuid.UUID
	cursor := ""
	for {
		page := read[wire.Page[wire.Session]](b.get(path+"?limit=2&include_total=true&cursor="+cursor), http.StatusOK)
		require.EqualValues(t, 5, *page.Pagination.Total)
		for _, s := range page.Data {
			require.Equal(t, e.ID, s.ExecutionID)
			seen = append(seen, s.ID)
		}
		if cursor = page.Pagination.NextCursor; cursor == "" {
			break
		}
		at(t, b.get(path+"?limit=2&status=failed&cursor="+cursor).problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
	}
	require.Len(t, seen, 5)
	require.True(t, slices.IsSortedFunc(seen, func(a, b uuid.UUID) int { return -bytes.Compare(a[:], b[:]) }), "the newest comes first")
	failed := read[wire.Page[wire.Session]](b.get(path+"?status=failed,lost"), http.StatusOK)
	require.Len(t, failed.Data, 2)
	require.Empty(t, read[wire.Page[wire.Session]](b.get(executionPath(b.execution(b.batch(b.project(), 1)))+"/sessions"), http.StatusOK).Data)
	at(t, b.get(path+"?status=done").problem(http.StatusBadRequest, wire.CodeInvalidParams), "status")
	b.get("/api/executions/x/sessions").problem(http.StatusBadRequest, wire.CodeInvalidParams)
	b.get("/api/executions/"+batch.ID.String()+"/sessions").problem(http.StatusNotFound, wire.CodeExecutionNotFound)
}
