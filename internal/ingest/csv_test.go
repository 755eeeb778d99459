package ingest_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

const shopCSV = "site_url,gt_price,name\n" +
	"https://shop.example/1,119.00 EUR,Kaffeemühle\n" +
	"https://shop.example/2,\"1.299,00 €\",\"Tisch, groß\"\n"

func encoded(t *testing.T, text string, enc encoding.Encoding) string {
	t.Helper()
	out, err := enc.NewEncoder().String(text)
	require.NoError(t, err)
	return out
}

func TestCSVReadsEveryDialectAlike(t *testing.T) {
	t.Parallel()
	replace := func(old, replacement string) string { return strings.ReplaceAll(shopCSV, old, replacement) }
	semicolons := "site_url;gt_price;name\r\nhttps://shop.example/1;119.00 EUR;Kaffeemühle\r\n" +
		"https://shop.example/2;1.299,00 €;Tisch, groß\r\n"
	tests := []struct {
		name    string
		text    string
		charset string
	}{
		{name: "UTF8", text: shopCSV},
		{name: "UTF8WithBOM", text: "\xEF\xBB\xBF" + shopCSV},
		{name: "UTF8Declared", text: shopCSV, charset: "utf-8"},
		{name: "UTF16LittleEndian", text: encoded(t, shopCSV, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))},
		{name: "UTF16BigEndian", text: encoded(t, shopCSV, unicode.UTF16(unicode.BigEndian, unicode.UseBOM))},
		{name: "BOMWinsOverDeclaredCharset", text: "\xEF\xBB\xBF" + shopCSV, charset: "windows-1252"},
		{name: "Windows1252Declared", text: encoded(t, shopCSV, charmap.Windows1252), charset: "windows-1252"},
		{name: "Latin1MeansWindows1252", text: encoded(t, shopCSV, charmap.Windows1252), charset: "ISO-8859-1"},
		{name: "CRLF", text: replace("\n", "\r\n")},
		{name: "CROnly", text: replace("\n", "\r")},
		{name: "Semicolons", text: semicolons},
		{name: "Tabs", text: strings.ReplaceAll(semicolons, ";", "\t")},
		{name: "Bars", text: strings.ReplaceAll(semicolons, ";", "|")},
		{name: "DelimiterNamedInTheFirstLine", text: "sep=;\r\n" + semicolons},
		{name: "BlankLinesAndEmptyRecords", text: "\n\n" + replace("\nhttps://shop.example/2", "\n\n,,\n  \nhttps://shop.example/2") + "\n,,\n"},
		{name: "NoLineEndAtTheEnd", text: strings.TrimSuffix(shopCSV, "\n")},
		{name: "HeaderWithSpaceAndCase", text: replace("site_url,gt_price", " Site URL , GT_Price ")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opt := options()
			opt.Charset = test.charset
			table, rows := read(t, test.text, opt)
			require.Len(t, table.Columns, 3)
			require.Equal(t, models.RoleSiteURL, table.Columns[0].Role)
			require.Equal(t, "price", table.Columns[1].Field)
			require.Equal(t, models.Column{Name: "name", Role: models.RoleInput}, table.Columns[2])
			require.Equal(t, []ingest.Row{
				{
					Number: 1, SiteURL: "https://shop.example/1",
					Input:       map[string]string{"name": "Kaffeemühle"},
					GroundTruth: map[string][]string{"price": {"119.00 EUR"}},
				},
				{
					Number: 2, SiteURL: "https://shop.example/2",
					Input:       map[string]string{"name": "Tisch, groß"},
					GroundTruth: map[string][]string{"price": {"1.299,00 €"}},
				},
			}, rows)
		})
	}
}

func TestCSVKeepsCellsAsTheyAre(t *testing.T) {
	t.Parallel()
	_, rows := read(t, "site_url,note\nhttps://a.example/,\"two\nlines, \"\"quoted\"\" \"\n", options())
	require.Equal(t, map[string]string{"note": "two\nlines, \"quoted\" "}, rows[0].Input)
	require.Nil(t, rows[0].GroundTruth)
}

func TestCSVOfOneColumnMayHaveDelimitersInItsURLs(t *testing.T) {
	t.Parallel()
	_, rows := read(t, "site_url\nhttps://a.example/1,2\nhttps://a.example/3,4\n", options())
	require.Len(t, rows, 2)
	require.Equal(t, "https://a.example/1,2", rows[0].SiteURL)
}

func TestCSVReadsCROnlyWithLineFeedsInCells(t *testing.T) {
	t.Parallel()
	_, rows := read(t, "site_url,note\rhttps://a.example/,\"two\nlines\"\rhttps://b.example/,x\r", options())
	require.Len(t, rows, 2)
	require.Equal(t, "two\nlines", rows[0].Input["note"])
}

func TestCSVSniffsTheDelimiterWhenTheHeadIsCutOff(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("site_url;note\n")
	for i := range 2_000 {
		fmt.Fprintf(&text, "https://a.example/%d;%s\n", i, strings.Repeat("a, b ", 10))
	}
	_, rows := read(t, text.String(), options())
	require.Len(t, rows, 2_000)
}

func TestCSVIsRefused(t *testing.T) {
	t.Parallel()
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	tests := []struct {
		name    string
		text    string
		charset string
		place   string
		code    string
		message string
	}{
		{name: "Empty", text: "", place: "file", code: ingest.CodeEmptyFile, message: "empty"},
		{name: "OnlyBlankLines", text: "\n \n\t\n", place: "file", code: ingest.CodeEmptyFile, message: "empty"},
		{name: "HeaderOnly", text: "site_url,name\n", place: "file", code: ingest.CodeNoRows, message: "no data row"},
		{
			name: "NoSiteURL", text: "link,name\nhttps://a.example,x\n",
			place: "site_url", code: ingest.CodeMissingSiteURL, message: `"link", "name"`,
		},
		{
			name: "TwoAliases", text: "url,website\nhttps://a.example,x\n",
			place: "site_url", code: ingest.CodeMissingSiteURL, message: "map one of them",
		},
		{
			name: "DuplicateHeader", text: "site_url,Name,name\nhttps://a.example,x,y\n",
			place: "column name", code: ingest.CodeDuplicateHeader, message: `column 2 ("Name") and column 3 ("name")`,
		},
		{
			name: "BlankHeader", text: "site_url,,name\nhttps://a.example,x,y\n",
			place: "column 2", code: ingest.CodeBlankHeader, message: "no header",
		},
		{
			name: "LongHeader", text: "site_url," + strings.Repeat("x", 201) + "\nhttps://a.example,x\n",
			place: "column 2", code: ingest.CodeInvalidHeader, message: "longer than 200",
		},
		{
			name: "TruthOfUnknownField", text: "site_url,gt_colour\nhttps://a.example,x\n",
			place: "column gt_colour", code: ingest.CodeUnknownField, message: `"price", "sku", "title"`,
		},
		{
			name: "TwoTruthsOfOneField", text: "site_url,gt_sku,gt sku\nhttps://a.example,x,y\n",
			place: "column gt sku", code: ingest.CodeDuplicateRole, message: "field sku",
		},
		{
			name: "ShortRow", text: "site_url,name\nhttps://a.example,x\nhttps://b.example\n",
			place: "row 2", code: ingest.CodeRaggedRow, message: "has 1 cells, but the header has 2 columns",
		},
		{
			name: "LongRow", text: "site_url,name\nhttps://a.example,x,y\n",
			place: "row 1", code: ingest.CodeRaggedRow, message: "has 3 cells, but the header has 2 columns",
		},
		{
			name: "BadURL", text: "site_url\nhttps://a.example\nftp://b.example\n",
			place: "row 2, column site_url", code: ingest.CodeInvalidURL, message: "not an absolute http or https URL",
		},
		{
			name: "InvalidUTF8", text: "site_url,name\nhttps://a.example,x\nhttps://b.example,M\xfcller\n",
			place: "row 2", code: ingest.CodeInvalidEncoding, message: "charset=windows-1252",
		},
		{
			name: "InvalidUTF8InHeader", text: "site_url,Pr\xe4dikat\nhttps://a.example,x\n",
			place: "header", code: ingest.CodeInvalidEncoding, message: "not UTF-8",
		},
		{
			name: "UTF16WithoutBOM", text: encoded(t, "site_url,name\nhttps://a.example,x\n", utf16),
			place: "column 1", code: ingest.CodeInvalidEncoding, message: "byte order mark",
		},
		{
			name: "HalfACharacterOfUTF16", text: "\xff\xfe" + encoded(t, "site_url,name\nhttps://a.example,x", utf16) + "\xe4",
			place: "row 1, column name", code: ingest.CodeInvalidEncoding, message: "its encoding does not have",
		},
		{
			name: "UnknownCharset", text: shopCSV, charset: "klingon-8",
			place: "file", code: ingest.CodeUnknownCharset, message: "klingon-8",
		},
		{
			name: "NUL", text: "site_url,name\nhttps://a.example,x\x00y\n",
			place: "row 1, column name", code: ingest.CodeInvalidCell, message: "NUL",
		},
		{
			name: "QuoteLeftOpen", text: "site_url,name\nhttps://a.example,x\nhttps://b.example,\"y\nhttps://c.example,z\n",
			place: "row 2", code: ingest.CodeInvalidQuote, message: "not closed",
		},
		{
			name: "BareQuote", text: "site_url,name\nhttps://a.example,27\" screen\n",
			place: "row 1", code: ingest.CodeInvalidQuote, message: "double the quotes",
		},
		{
			name: "CellOf64MiB", text: "site_url,name\nhttps://a.example," + strings.Repeat("x", 64<<20) + "\n",
			place: "row 1", code: ingest.CodeRowTooLong, message: "1048576 bytes",
		},
		{
			name: "MillionColumns", text: "site_url" + strings.Repeat(",c", 1_000_000) + "\n",
			place: "header", code: ingest.CodeRowTooLong, message: "262144 bytes",
		},
		{
			name: "TooManyColumns", text: "site_url" + strings.Repeat(",c", 1_000) + "\n",
			place: "header", code: ingest.CodeTooManyColumns, message: "1001 columns; at most 1000",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opt := options()
			opt.Charset = test.charset
			found := problemsOf(t, strings.NewReader(test.text), opt)
			require.Len(t, found, 1)
			require.Equal(t, test.place, found[0].Place())
			require.Equal(t, test.code, found[0].Code)
			require.Contains(t, found[0].Message, test.message)
		})
	}
}

func TestCSVTellsEveryProblemUpToALimit(t *testing.T) {
	t.Parallel()
	t.Run("AllOfAFew", func(t *testing.T) {
		t.Parallel()
		found := problemsOf(t, strings.NewReader("site_url,name\n\nx y,\x00\nhttps://a.example,x\n\nhttps://b.example\n"), options())
		require.Len(t, found, 3)
		require.Equal(t, []int{1, 1, 3}, []int{found[0].Row, found[1].Row, found[2].Row})
		require.Equal(t, []int{3, 3, 6}, []int{found[0].Line, found[1].Line, found[2].Line})
	})
	t.Run("TheFirstHundredOfMany", func(t *testing.T) {
		t.Parallel()
		read := 0
		endless := io.MultiReader(strings.NewReader("site_url\n"), readerFunc(func(p []byte) (int, error) {
			n := copy(p, "nonsense\n")
			read += n
			return n, nil
		}))
		_, _, err := readAll(endless, options())
		var refused *ingest.Error
		require.ErrorAs(t, err, &refused)
		require.Len(t, refused.Problems, ingest.MaxProblems)
		require.True(t, refused.Truncated)
		require.ErrorContains(t, err, "or more")
		require.Less(t, read, 1<<20, "reading must stop with the last problem that is told")
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestCSVLimitsRows(t *testing.T) {
	t.Parallel()
	file := func(rows int) io.Reader {
		return strings.NewReader("site_url\n" + strings.Repeat("https://a.example/\n", rows))
	}
	t.Run("TheLimitIsTaken", func(t *testing.T) {
		t.Parallel()
		_, rows, err := readAll(file(10_000), options())
		require.NoError(t, err)
		require.Len(t, rows, 10_000)
	})
	t.Run("OneMoreIsRefused", func(t *testing.T) {
		t.Parallel()
		found := problemsOf(t, file(10_001), options())
		require.Equal(t, ingest.CodeTooManyRows, found[0].Code)
		require.Equal(t, 10_001, found[0].Row)
		require.Contains(t, found[0].Message, "10000 rows")
	})
	t.Run("TheLimitIsConfigurable", func(t *testing.T) {
		t.Parallel()
		opt := options()
		opt.MaxRows = 2
		require.Equal(t, ingest.CodeTooManyRows, problemsOf(t, file(3), opt)[0].Code)
	})
}

func TestCSVReturnsTheReadersOwnError(t *testing.T) {
	t.Parallel()
	cut := errors.New("the line was cut")
	for _, part := range []string{"", "site_", strings.Repeat("x", 70_000), "site_url\nhttps://a.example\nhttps://b."} {
		_, _, err := readAll(io.MultiReader(strings.NewReader(part), iotest.ErrReader(cut)), options())
		require.ErrorIs(t, err, cut, "after %d bytes", len(part))
	}
}
