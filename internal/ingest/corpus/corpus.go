// Package corpus holds what people and programs upload as a CSV, good and bad, with what
// must come of each. Tests of package ingest and of the API go through it, so that both
// are held to the same.
//
// What is large is made as it is asked for: a file of the corpus takes up to 64 MiB.
package corpus

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// File is one upload. Its text is made by Content.
type File struct {
	Name    string
	Charset string // declared
	Content func() string
	// Rows is how many rows a good one has.
	Rows int
	// Place and Code are those of the one problem of a bad one, as package ingest gives
	// them.
	Place, Code string
}

// Good reports whether the file must be taken.
func (f File) Good() bool { return f.Code == "" }

// Large is the size of the largest cells.
const Large = 64 << 20

const shop = "site_url,name,gt_sku\nhttps://shop.example/1,Müller,A1\nhttps://shop.example/2,\"Tisch, groß\",A2\n"

func text(s string) func() string { return func() string { return s } }

func replaced(old, with string) func() string { return text(strings.ReplaceAll(shop, old, with)) }

// utf16LE is a text in UTF-16, without a byte order mark.
func utf16LE(s string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		out.Write(binary.LittleEndian.AppendUint16(nil, unit))
	}
	return out.String()
}

// swapped makes the other UTF-16 of one.
func swapped(s string) string {
	out := []byte(s)
	for i := 0; i+1 < len(out); i += 2 {
		out[i], out[i+1] = out[i+1], out[i]
	}
	return string(out)
}

var cp1252 = strings.NewReplacer("ü", "\xfc", "ß", "\xdf").Replace(shop)

// Files are all files of the corpus.
func Files() []File {
	return append(good(), bad()...)
}

func good() []File {
	le := utf16LE(shop)
	return []File{
		{Name: "UTF8", Rows: 2, Content: text(shop)},
		{Name: "UTF8WithBOM", Rows: 2, Content: text("\ufeff" + shop)},
		{Name: "UTF16LEWithBOM", Rows: 2, Content: text("\xff\xfe" + le)},
		{Name: "UTF16BEWithBOM", Rows: 2, Content: text("\xfe\xff" + swapped(le))},
		{Name: "UTF16LEDeclared", Charset: "utf-16le", Rows: 2, Content: text(le)},
		{Name: "UTF16BEDeclared", Charset: "utf-16be", Rows: 2, Content: text(swapped(le))},
		{Name: "Windows1252Declared", Charset: "windows-1252", Rows: 2, Content: text(cp1252)},
		{Name: "Windows1252ByAnotherName", Charset: "Latin1", Rows: 2, Content: text(cp1252)},
		{Name: "CRLF", Rows: 2, Content: replaced("\n", "\r\n")},
		{Name: "CROnly", Rows: 2, Content: replaced("\n", "\r")},
		{Name: "MixedLineEnds", Rows: 2, Content: text(strings.Replace(shop, "\n", "\r\n", 1))},
		{Name: "NoLineEndAtTheEnd", Rows: 2, Content: text(strings.TrimSuffix(shop, "\n"))},
		{Name: "Semicolons", Rows: 1, Content: text("site_url;price;name\nhttps://shop.example/1;1,50;a\n")},
		{Name: "Tabs", Rows: 1, Content: text("site_url\tprice\tname\nhttps://shop.example/1\t1,50\ta;b\n")},
		{Name: "Bars", Rows: 1, Content: text("site_url|price\nhttps://shop.example/1|1,50\n")},
		{Name: "DelimiterInTheFirstLine", Rows: 1, Content: text("sep=;\r\nsite_url;a,b,c\r\nhttps://shop.example/1;1\r\n")},
		{Name: "QuotedNewlines", Rows: 2, Content: text("site_url,note\nhttps://shop.example/1,\"two\r\nlines\n\nand \"\"more\"\"\"\nhttps://shop.example/2,x\n")},
		{Name: "CROnlyWithQuotedNewlines", Rows: 2, Content: text("site_url,note\rhttps://shop.example/1,\"two\nlines\"\rhttps://shop.example/2,x\r")},
		{Name: "EmptyRecords", Rows: 2, Content: text("\n,,\n" + strings.Replace(shop, "\n", "\n,,\n\n \n", 1) + ",,\n")},
		{Name: "Formulas", Rows: 1, Content: text("site_url,note\nhttps://shop.example/1,=1+1\n")},
	}
}

func bad() []File {
	le := utf16LE(shop)
	cell := func(open, end string) func() string {
		return func() string {
			return "site_url,note\nhttps://shop.example/1," + open + strings.Repeat("x", Large) + end + "\nhttps://shop.example/2,y\n"
		}
	}
	const one = "site_url,note\nhttps://shop.example/1,a\n"
	return []File{
		{Name: "Empty", Content: text(""), Place: "file", Code: "EMPTY_FILE"},
		{Name: "BOMOnly", Content: text("\ufeff"), Place: "file", Code: "EMPTY_FILE"},
		{Name: "UTF16BOMOnly", Content: text("\xff\xfe"), Place: "file", Code: "EMPTY_FILE"},
		{Name: "BlankLinesOnly", Content: text("\r\n \n\t\n"), Place: "file", Code: "EMPTY_FILE"},
		{Name: "HeaderOnly", Content: text("site_url,name"), Place: "file", Code: "NO_ROWS"},
		{Name: "UTF16LEUndeclared", Content: text(le), Place: "column 1", Code: "INVALID_ENCODING"},
		{Name: "UTF16BEUndeclared", Content: text(swapped(le)), Place: "column 1", Code: "INVALID_ENCODING"},
		{Name: "Windows1252Undeclared", Content: text(cp1252), Place: "row 1", Code: "INVALID_ENCODING"},
		{Name: "UnknownCharset", Charset: "klingon-8", Content: text(shop), Place: "file", Code: "UNKNOWN_CHARSET"},
		{Name: "HalfACharacterOfUTF16", Content: text("\xff\xfe" + utf16LE(one+"https://shop.example/2,b") + "\xe4"), Place: "row 2, column note", Code: "INVALID_ENCODING"},
		{Name: "HalfASurrogatePair", Content: text("\xff\xfe" + utf16LE(one+"https://shop.example/2,") + "\x00\xd8" + utf16LE("\n")), Place: "row 2, column note", Code: "INVALID_ENCODING"},
		{Name: "QuoteLeftOpen", Content: text(one + "https://shop.example/2,\"b\nhttps://shop.example/3,c\n"), Place: "row 2", Code: "INVALID_QUOTE"},
		{Name: "QuoteWithinACell", Content: text(one + "https://shop.example/2,27\" wide\n"), Place: "row 2", Code: "INVALID_QUOTE"},
		{Name: "TextBehindAQuote", Content: text(one + "https://shop.example/2,\"27\" wide\n"), Place: "row 2", Code: "INVALID_QUOTE"},
		{Name: "ShortRow", Content: text(one + "https://shop.example/2\n"), Place: "row 2", Code: "RAGGED_ROW"},
		{Name: "LongRow", Content: text(one + "https://shop.example/2,b,c\n"), Place: "row 2", Code: "RAGGED_ROW"},
		{Name: "TrailingDelimiterInTheHeader", Content: text("site_url,note,\nhttps://shop.example/1,a,\n"), Place: "column 3", Code: "BLANK_HEADER"},
		{Name: "TrailingDelimiterInARow", Content: text(one + "https://shop.example/2,b,\n"), Place: "row 2", Code: "RAGGED_ROW"},
		{Name: "DuplicateHeaders", Content: text("site_url,note,Note \nhttps://shop.example/1,a,b\n"), Place: "column Note", Code: "DUPLICATE_HEADER"},
		{Name: "NULInACell", Content: text(one + "https://shop.example/2,b\x00\n"), Place: "row 2, column note", Code: "INVALID_CELL"},
		{Name: "NULInTheHeader", Content: text("site_url,no\x00te\nhttps://shop.example/1,a\n"), Place: "column 2", Code: "INVALID_ENCODING"},
		{Name: "NULsOnly", Content: text(strings.Repeat("\x00", 4096)), Place: "column 1", Code: "INVALID_ENCODING"},
		{Name: "MillionColumns", Content: func() string { return "site_url" + strings.Repeat(",c", 1_000_000) + "\n" }, Place: "header", Code: "ROW_TOO_LONG"},
		{Name: "ThousandAndOneColumns", Content: text("site_url" + strings.Repeat(",c", 1_000) + "\n"), Place: "header", Code: "TOO_MANY_COLUMNS"},
		{Name: "MillionCells", Content: func() string { return one + "https://shop.example/2" + strings.Repeat(",", 1_000_000) + "\n" }, Place: "row 2", Code: "RAGGED_ROW"},
		{Name: "CellOf64MiB", Content: cell("", ""), Place: "row 1", Code: "ROW_TOO_LONG"},
		{Name: "QuotedCellOf64MiB", Content: cell(`"`, `"`), Place: "row 1", Code: "ROW_TOO_LONG"},
		{Name: "OpenCellOf64MiB", Content: cell(`"`, ""), Place: "row 1", Code: "ROW_TOO_LONG"},
		{Name: "HeaderOf64MiB", Content: func() string { return strings.Repeat("x", Large) }, Place: "header", Code: "ROW_TOO_LONG"},
		{Name: "RowNumbersIgnoreBlankLines", Content: text("\n\nsite_url,note\n\nhttps://shop.example/1,a\n,\n\nnonsense x,b\n"), Place: "row 2, column site_url", Code: "INVALID_URL"},
	}
}
