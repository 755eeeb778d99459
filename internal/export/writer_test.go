package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// written is a whole table in a format.
func written(t *testing.T, format Format, options Options, names []string, rows [][]Cell) []byte {
	t.Helper()
	var out bytes.Buffer
	if options.Sheet == "" {
		options.Sheet = "jobs"
	}
	if options.TempDir == "" {
		options.TempDir = t.TempDir()
	}
	w, err := NewWriter(&out, format, options)
	require.NoError(t, err)
	require.NoError(t, w.Header(names))
	for _, row := range rows {
		require.NoError(t, w.Row(row))
	}
	require.NoError(t, w.Finish())
	require.NoError(t, w.Close())
	left, err := os.ReadDir(options.TempDir)
	require.NoError(t, err)
	require.Empty(t, left)
	return out.Bytes()
}

func open(t *testing.T, workbook []byte) *excelize.File {
	t.Helper()
	file, err := excelize.OpenReader(bytes.NewReader(workbook))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file
}

// corpus is texts that some program takes for something else.
var corpus = []string{
	"=1+1", "+1", "-1+1", "@x", "\t=1", "\r=1", "＝1", "plain", "a,b", "a;b", "a|b", "a\tb", `say "x"`, "two\nlines", "two\r\nlines", "cr\rinside",
	" padded ", "", "-12.5", "1e5", "007", "TRUE", "#N/A", "_x0041_", "<b>&amp;</b>", "]]>", "😀", "\u202eabc", "a\x00b\x0cc", "2026-11-24", "1/2",
	strings.Repeat("long ", 100), "'=1",
}

func TestCSVIsReadBack(t *testing.T) {
	t.Parallel()
	rows := make([][]Cell, len(corpus))
	for i, s := range corpus {
		rows[i] = []Cell{textCell(s), intCell(-i), textCell(s)}
	}
	for _, delimiter := range []byte{0, ',', ';', '\t', '|'} {
		out := written(t, CSV, Options{Delimiter: delimiter}, []string{"a", "=b", "c d"}, rows)
		r := csv.NewReader(bytes.NewReader(out))
		if delimiter != 0 {
			r.Comma = rune(delimiter)
		}
		records, err := r.ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{"a", "'=b", "c d"}, records[0])
		require.Len(t, records, len(corpus)+1)
		for i, s := range corpus {
			want, err := textCell(s).AppendText(nil)
			require.NoError(t, err)
			// The reader makes a line break of its own of the other one.
			text := strings.ReplaceAll(string(AppendDefused(nil, want)), "\r\n", "\n")
			require.Equal(t, []string{text, strconv.Itoa(-i), text}, records[i+1])
		}
	}
	require.Equal(t, "\uFEFFa\r\n\"\"\r\n\"x\r\ny\"\r\n",
		string(written(t, CSV, Options{BOM: true}, []string{"a"}, [][]Cell{{{}}, {textCell("x\r\ny")}})))
}

func TestJSONIsReadBack(t *testing.T) {
	t.Parallel()
	rows := make([][]Cell, len(corpus))
	for i, s := range corpus {
		rows[i] = []Cell{textCell(s), intCell(i), jsonCell([]byte(`{"amount": "1.00"}`)), {}}
	}
	names := []string{"a", `b "c"`, "d", "e"}
	check := func(t *testing.T, i int, object map[string]any) {
		t.Helper()
		want := map[string]any{"a": corpus[i], `b "c"`: float64(i), "d": map[string]any{"amount": "1.00"}, "e": nil}
		if corpus[i] == "" {
			want["a"] = nil
		}
		require.Equal(t, want, object)
	}
	t.Run("Array", func(t *testing.T) {
		t.Parallel()
		var got []map[string]any
		require.NoError(t, json.Unmarshal(written(t, JSON, Options{}, names, rows), &got))
		require.Len(t, got, len(corpus))
		for i := range got {
			check(t, i, got[i])
		}
		require.JSONEq(t, `[]`, string(written(t, JSON, Options{}, names, nil)))
	})
	t.Run("Lines", func(t *testing.T) {
		t.Parallel()
		lines := strings.Split(strings.TrimSuffix(string(written(t, JSONL, Options{}, names, rows)), "\n"), "\n")
		require.Len(t, lines, len(corpus))
		for i := range lines {
			var object map[string]any
			require.NoError(t, json.Unmarshal([]byte(lines[i]), &object))
			check(t, i, object)
		}
		require.Empty(t, written(t, JSONL, Options{}, names, nil))
	})
	t.Run("OfNoArrayTheEndIsMissing", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		w, err := NewWriter(&out, JSON, Options{})
		require.NoError(t, err)
		require.NoError(t, w.Header(names))
		require.NoError(t, w.Row(rows[0]))
		require.NoError(t, w.Close())
		require.False(t, json.Valid(out.Bytes()))
	})
}

func TestWorkbookIsReadBack(t *testing.T) {
	t.Parallel()
	t.Run("TextsAreTextsAndNothingIsAFormula", func(t *testing.T) {
		t.Parallel()
		rows := make([][]Cell, len(corpus))
		for i, s := range corpus {
			rows[i] = []Cell{textCell(s)}
		}
		file := open(t, written(t, XLSX, Options{}, []string{"=a"}, rows))
		for i, s := range append([]string{"=a"}, corpus...) {
			at := "A" + strconv.Itoa(i+1)
			formula, err := file.GetCellFormula("jobs", at)
			require.NoError(t, err)
			require.Empty(t, formula)
			got, err := file.GetCellValue("jobs", at, excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			want, err := textCell(s).AppendText(nil)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			if s != "" {
				kind, err := file.GetCellType("jobs", at)
				require.NoError(t, err)
				require.Equal(t, excelize.CellTypeInlineString, kind, "%q", s)
			}
		}
		panes, err := file.GetPanes("jobs")
		require.NoError(t, err)
		require.True(t, panes.Freeze)
		require.Equal(t, 1, panes.YSplit)
	})

	t.Run("NumbersAreNumbersUnlessTheyWouldChange", func(t *testing.T) {
		t.Parallel()
		for raw, want := range map[string]struct {
			text   string
			number bool
		}{
			"-12.50": {"-12.5", true}, "0": {"0", true}, "0.1": {"0.1", true}, "123456789012345": {"123456789012345", true},
			"12345678901234567890123": {"12345678901234567890123", false}, "0.12345678901234567891": {"0.12345678901234567891", false},
			"1e400": {"1e400", false},
		} {
			file := open(t, written(t, XLSX, Options{}, []string{"a", "b"}, [][]Cell{{jsonCell([]byte(raw)), jsonCell([]byte("true"))}}))
			kind, err := file.GetCellType("jobs", "A2")
			require.NoError(t, err)
			require.Equal(t, want.number, kind != excelize.CellTypeInlineString, raw)
			got, err := file.GetCellValue("jobs", "A2", excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			require.Equal(t, want.text, got)
			kind, err = file.GetCellType("jobs", "B2")
			require.NoError(t, err)
			require.Equal(t, excelize.CellTypeBool, kind)
		}
	})

	t.Run("ALongTextIsCutAndSaysSo", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{strings.Repeat("x", MaxCellLength), strings.Repeat("é", MaxCellLength), strings.Repeat("😀", MaxCellLength/2)} {
			require.Equal(t, text, cut(text))
			longer := cut(text + "xx")
			require.True(t, strings.HasSuffix(longer, CutMark))
			require.True(t, strings.HasPrefix(text, strings.TrimSuffix(longer, CutMark)))
			file := open(t, written(t, XLSX, Options{}, []string{"a"}, [][]Cell{{textCell(text + "xx")}}))
			got, err := file.GetCellValue("jobs", "A2")
			require.NoError(t, err)
			require.Equal(t, longer, got)
		}
	})

	t.Run("AFullSheetIsFollowedByAnother", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		w, err := newXLSXWriter(&out, Options{Sheet: "jobs", TempDir: t.TempDir()})
		require.NoError(t, err)
		w.maxRows = 3
		require.NoError(t, w.Header([]string{"n"}))
		for i := range 5 {
			require.NoError(t, w.Row([]Cell{intCell(i)}))
		}
		require.NoError(t, w.Finish())
		require.NoError(t, w.Close())
		file := open(t, out.Bytes())
		require.Equal(t, []string{"jobs", "jobs 2", "jobs 3"}, file.GetSheetList())
		var all [][]string
		for _, sheet := range file.GetSheetList() {
			rows, err := file.GetRows(sheet)
			require.NoError(t, err)
			all = append(all, rows...)
		}
		require.Equal(t, [][]string{{"n"}, {"0"}, {"1"}, {"n"}, {"2"}, {"3"}, {"n"}, {"4"}}, all)
	})
}

func TestUnfinishedWorkbookLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := NewWriter(&bytes.Buffer{}, XLSX, Options{Sheet: "jobs", TempDir: dir})
	require.NoError(t, err)
	require.NoError(t, w.Header([]string{"a"}))
	long := textCell(strings.Repeat("x", 30_000))
	spooled := func() (files int) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			inside, err := os.ReadDir(dir + "/" + e.Name())
			require.NoError(t, err)
			files += len(inside)
		}
		return files
	}
	for range excelize.StreamChunkSize/30_000 + 2 {
		require.NoError(t, w.Row([]Cell{long}))
	}
	require.Equal(t, 1, spooled(), "a large workbook goes to disk")
	require.NoError(t, w.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestWritersTellWhenNobodyTakesTheBytes(t *testing.T) {
	t.Parallel()
	broken := errors.New("nobody is there")
	for _, format := range Formats() {
		w, err := NewWriter(brokenWriter{broken}, format, Options{Sheet: "jobs", TempDir: t.TempDir()})
		require.NoError(t, err)
		err = w.Header([]string{"a"})
		if err == nil {
			err = w.Row([]Cell{intCell(1)})
		}
		if err == nil {
			err = w.Finish()
		}
		require.ErrorIs(t, err, broken, format)
		require.NoError(t, w.Close())
	}
	_, err := NewWriter(&bytes.Buffer{}, "pdf", Options{})
	require.Error(t, err)
	_, err = NewWriter(&bytes.Buffer{}, XLSX, Options{TempDir: "/nowhere/at/all"})
	require.Error(t, err)
}
