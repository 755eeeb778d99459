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

// decoded gives the text of r as UTF-8. A byte order mark decides, then the declared
// charset, then UTF-8. replaces reports that a broken character comes out as U+FFFD
// rather than as an error.
func decoded(r io.Reader, charset string) (text io.Reader, replaces bool, err error) {
	head := bufio.NewReader(r)
	mark, err := head.Peek(len(bomUTF8))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	var declared encoding.Encoding
	switch {
	case bytes.HasPrefix(mark, bomUTF8):
		_, err = head.Discard(len(bomUTF8))
		return transform.NewReader(head, encoding.UTF8Validator), false, err
	case bytes.HasPrefix(mark, bomUTF16LE):
		declared = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(mark, bomUTF16BE):
		declared = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	case charset == "":
		return transform.NewReader(head, encoding.UTF8Validator), false, nil
	default:
		if declared, err = htmlindex.Get(charset); err != nil {
			return nil, false, refused(Problem{
				Column: fileColumn, Code: CodeUnknownCharset,
				Message: "the charset " + quoted(charset) + " is not known",
			})
		}
		if declared == unicode.UTF8 {
			return transform.NewReader(head, encoding.UTF8Validator), false, nil
		}
	}
	return transform.NewReader(head, declared.NewDecoder()), true, nil
}
