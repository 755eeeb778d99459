package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var (
	bomUTF8    = []byte{0xEF, 0xBB, 0xBF}
	bomUTF16LE = []byte{0xFF, 0xFE}
	bomUTF16BE = []byte{0xFE, 0xFF}
)

const acceptedEncodings = "UTF-8, UTF-16 with a byte order mark, or any other encoding " +
	"when it is declared, for example charset=windows-1252"

// text is a file as UTF-8.
type text struct {
	io.Reader

	// charset is the encoding of the file, by its WHATWG name.
	charset string
	// replaces says that a broken character comes out as U+FFFD rather than as an error.
	replaces bool
}

// decoded gives the text of r as UTF-8. A byte order mark decides, then the declared
// charset, then UTF-8. A charset that nobody knows is a Problem.
func decoded(r io.Reader, charset string) (text, error) {
	head := bufio.NewReader(r)
	mark, err := head.Peek(len(bomUTF8))
	if err != nil && !errors.Is(err, io.EOF) {
		return text{}, err
	}
	name, declared := "utf-8", unicode.UTF8
	switch {
	case bytes.HasPrefix(mark, bomUTF8):
		if _, err = head.Discard(len(bomUTF8)); err != nil {
			return text{}, err
		}
	case bytes.HasPrefix(mark, bomUTF16LE):
		name, declared = "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(mark, bomUTF16BE):
		name, declared = "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	case charset != "":
		if declared, err = htmlindex.Get(charset); err == nil {
			name, err = htmlindex.Name(declared)
		}
		if err != nil {
			return text{}, Problem{
				Column: fileColumn, Code: CodeUnknownCharset,
				Message: "the charset " + quoted(charset) + " is not known",
			}
		}
	}
	if declared == unicode.UTF8 {
		return text{Reader: transform.NewReader(head, encoding.UTF8Validator), charset: name}, nil
	}
	return text{Reader: transform.NewReader(head, declared.NewDecoder()), charset: name, replaces: true}, nil
}
