package extract

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// declaredCharset finds a charset declared in the markup beyond the first
// kilobyte, where browsers stop to look but templates with long heads put it.
var declaredCharset = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_:.-]+)`)

const charsetSearch = 64 << 10

// decode gives the body as UTF-8. The charset is, in this order: a byte order
// mark, the Content-Type, UTF-8 if the body is valid UTF-8, what the markup
// declares, windows-1252.
func decode(body []byte, contentType string) []byte {
	encoding, _, certain := charset.DetermineEncoding(body, contentType)
	if !certain {
		if utf8.Valid(body) {
			return body
		}
		if m := declaredCharset.FindSubmatch(body[:min(len(body), charsetSearch)]); m != nil {
			if declared, _ := charset.Lookup(string(m[1])); declared != nil {
				encoding = declared
			}
		}
	}
	decoded, err := encoding.NewDecoder().Bytes(body)
	if err != nil {
		return bytes.ToValidUTF8(body, []byte(string(utf8.RuneError)))
	}
	return bytes.TrimPrefix(decoded, []byte("\ufeff"))
}

// maxDepth keeps markup below the depth at which the parser refuses a document.
const maxDepth = 300

// parseHTML reads any markup into a tree.
func parseHTML(w *watch, body []byte) (*html.Node, error) {
	body = buildable(w, body)
	root, err := html.Parse(w.reader(bytes.NewReader(body)))
	w.check()
	if err == nil {
		return root, nil
	}
	root, err = html.Parse(w.reader(bytes.NewReader(flatten(w, body))))
	w.check()
	if err != nil {
		return nil, fmt.Errorf("the markup cannot be read: %w", err)
	}
	return root, nil
}

// flatten closes all elements whenever too many are open, and goes on at the top:
// what is nested beyond all reason is nested by mistake, by end tags that are
// missing. Nothing of the content is lost.
func flatten(w *watch, body []byte) []byte {
	var out bytes.Buffer
	var open []string
	tokens := html.NewTokenizer(bytes.NewReader(body))
	for {
		w.step()
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return out.Bytes()
		}
		raw := tokens.Raw()
		tag, _ := tokens.TagName()
		name := string(tag)
		switch {
		case kind == html.StartTagToken && !neverOpen[name]:
			if len(open) >= maxDepth {
				for _, inner := range slices.Backward(open) {
					out.WriteString("</" + inner + ">")
				}
				open = open[:0]
			}
			open = append(open, name)
		case kind == html.EndTagToken:
			if i := lastIndex(open, name); i >= 0 {
				open = open[:i]
			}
		}
		out.Write(raw)
	}
}

func lastIndex(list []string, s string) int {
	for i, each := range slices.Backward(list) {
		if each == s {
			return i
		}
	}
	return -1
}

// neverOpen are the elements that hold no others, and those that must not be closed
// before the end.
var neverOpen = wordSet("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
	"html", "head", "body")

// Kind is what a body is, as far as extraction goes.
type Kind string

// The kinds of body.
const (
	KindHTML  Kind = "html"
	KindJSON  Kind = "json"
	KindText  Kind = "text"
	KindOther Kind = "other" // nothing can be extracted from it
)

// KindOf tells the kind from the Content-Type and, when that is absent or says
// nothing, from the body's first bytes.
func KindOf(body []byte, contentType string) Kind {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch {
	case media == "" || media == "application/octet-stream" || media == "text/plain" || media == "unknown/unknown":
		return sniff(body, media)
	case strings.HasSuffix(media, "json"), media == "text/javascript", media == "application/javascript":
		return KindJSON
	case strings.Contains(media, "html"), strings.HasSuffix(media, "xml"):
		return KindHTML
	case strings.HasPrefix(media, "text/"):
		return KindText
	default:
		return KindOther
	}
}

func sniff(body []byte, media string) Kind {
	start := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(start) == 0:
		return KindText
	case start[0] == '{' || start[0] == '[':
		return KindJSON
	case start[0] == '<':
		return KindHTML
	case media == "text/plain", utf8.Valid(body) && !bytes.ContainsRune(body[:min(len(body), charsetSearch)], 0):
		return KindText
	default:
		return KindOther
	}
}
