package fetch_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

func compress(t *testing.T, body string, open func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	_, err := io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func toGzip(w io.Writer) io.WriteCloser   { return gzip.NewWriter(w) }
func toBrotli(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }
func toZlib(w io.Writer) io.WriteCloser   { return zlib.NewWriter(w) }

func toFlate(w io.Writer) io.WriteCloser {
	out, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		panic(err)
	}
	return out
}

func TestContentEncodingsAreUndone(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		encoding string
		body     []byte
	}{
		"Gzip":        {"gzip", compress(t, productPage, toGzip)},
		"Brotli":      {"br", compress(t, productPage, toBrotli)},
		"Zlib":        {"deflate", compress(t, productPage, toZlib)},
		"BareDeflate": {"deflate", compress(t, productPage, toFlate)},
		"Twice":       {"gzip, br", compress(t, string(compress(t, productPage, toGzip)), toBrotli)},
		"Identity":    {"identity", []byte(productPage)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := answer(t, http.StatusOK, test.body, "Content-Type", "text/html", "Content-Encoding", test.encoding)
			outcome, err := execute(t, newExecutor(t), request(server.URL, ""))
			require.NoError(t, err)
			require.Equal(t, "Blue Lamp", outcome.Fields["name"])
			require.Equal(t, int64(len(test.body)), outcome.Usage.Bytes)
		})
	}
	t.Run("EmptyGzip", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, nil, "Content-Type", "text/html", "Content-Encoding", "gzip")
		outcome, err := execute(t, newExecutor(t), request(server.URL, ""))
		require.NoError(t, err)
		require.Empty(t, outcome.Fields)
	})
	t.Run("Unknown", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, []byte("x"), "Content-Type", "text/html", "Content-Encoding", "zstd")
		_, err := execute(t, newExecutor(t), request(server.URL, ""))
		requireFailure(t, err, failure.Permanent, fetch.CodeContentEncoding)
	})
	t.Run("Broken", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, []byte("this is no gzip"), "Content-Type", "text/html", "Content-Encoding", "gzip")
		_, err := execute(t, newExecutor(t), request(server.URL, ""))
		requireFailure(t, err, failure.Transient, fetch.CodeContentEncoding)
	})
}

func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()

	const limit = `{"max_body_bytes":65536}`
	large := strings.Repeat("x", 65537)
	for name, test := range map[string]struct {
		body    []byte
		headers []string
	}{
		"WithLength":    {[]byte(large), nil},
		"GzipBomb":      {compress(t, strings.Repeat("0", 16<<20), toGzip), []string{"Content-Encoding", "gzip"}},
		"BrotliBomb":    {compress(t, strings.Repeat("0", 16<<20), toBrotli), []string{"Content-Encoding", "br"}},
		"LargeAndSmall": {compress(t, large, toGzip), []string{"Content-Encoding", "gzip"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := answer(t, http.StatusOK, test.body, append(test.headers, "Content-Type", "text/html")...)
			outcome, err := execute(t, newExecutor(t), request(server.URL, limit))
			requireFailure(t, err, failure.Permanent, fetch.CodeBodyTooLarge)
			require.LessOrEqual(t, outcome.Usage.Bytes, int64(2*65536))
		})
	}
	t.Run("Endless", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, large); err != nil {
					return
				}
			}
		})
		_, err := execute(t, newExecutor(t), request(server.URL, limit))
		requireFailure(t, err, failure.Permanent, fetch.CodeBodyTooLarge)
	})
	t.Run("ExactlyTheLimit", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, []byte(large[:65536]), "Content-Type", "text/html")
		_, err := execute(t, newExecutor(t), request(server.URL, limit))
		require.NoError(t, err)
	})
	t.Run("BodyOfARefusal", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusNotFound, bytes.Repeat([]byte("x"), 1<<20), "Content-Type", "text/html")
		_, err := execute(t, newExecutor(t), request(server.URL, ""))
		requireFailure(t, err, failure.Permanent, "HTTP_404")
	})
}

func TestContentThatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ contentType, body string }{
		"Image":         {"image/png", "\x89PNG\r\n\x1a\n"},
		"PDF":           {"application/pdf", "%PDF-1.7"},
		"Zip":           {"application/zip", "PK\x03\x04"},
		"OctetStream":   {"application/octet-stream", "\x00\x01\x02\x03"},
		"OfficeFormats": {"application/vnd.ms-excel", "\xd0\xcf\x11\xe0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := answer(t, http.StatusOK, []byte(test.body), "Content-Type", test.contentType)
			_, err := execute(t, newExecutor(t), request(server.URL, ""))
			requireFailure(t, err, failure.Permanent, fetch.CodeUnsupportedContent)
		})
	}
}

func TestCharsets(t *testing.T) {
	t.Parallel()

	html := func(head, name string) string {
		return "<html><head>" + head + "<title>x</title></head><body><h1>" + name + "</h1></body></html>"
	}
	for name, test := range map[string]struct {
		contentType, page, want string
		encoding                encoding.Encoding
	}{
		"FromHeader":      {"text/html; charset=windows-1251", html("", "Лампа синяя"), "Лампа синяя", charmap.Windows1251},
		"FromMeta":        {"text/html", html(`<meta charset="shift_jis">`, "青いランプ"), "青いランプ", japanese.ShiftJIS},
		"FromHTTPEquiv":   {"text/html", html(`<meta http-equiv="Content-Type" content="text/html; charset=gb2312">`, "蓝色的灯"), "蓝色的灯", simplifiedchinese.GBK},
		"FromLateMeta":    {"text/html", html("<!--"+strings.Repeat("x", 3000)+`--><meta charset="windows-1250">`, "Zlatá lampa ěšč"), "Zlatá lampa ěšč", charmap.Windows1250},
		"FromByteOrder":   {"text/html", html("", "Blå lampe"), "Blå lampe", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
		"Latin1ByDefault": {"text/html", html("", "Lampe à huile"), "Lampe à huile", charmap.Windows1252},
		"UTF8ByDefault":   {"text/html", html("", "Lampe à huile 灯"), "Lampe à huile 灯", unicode.UTF8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := test.encoding.NewEncoder().String(test.page)
			require.NoError(t, err)
			server := answer(t, http.StatusOK, []byte(body), "Content-Type", test.contentType)
			outcome, err := execute(t, newExecutor(t), request(server.URL, "",
				field.Field{Name: "heading", Type: field.TypeText, Extract: &field.Extract{CSS: "h1"}}))
			require.NoError(t, err)
			require.Equal(t, test.want, outcome.Fields["heading"])
		})
	}
}

func TestMalformedMarkupIsRead(t *testing.T) {
	t.Parallel()

	deep := strings.Repeat("<div><b>", 2000) + `<p class="x">found</p>`
	for name, page := range map[string]string{
		"NeverClosed":  `<html><body><table><tr><td><p class=x>found`,
		"Misnested":    `</body><b><i><p class="x">found</b></i></p></html></html>`,
		"NoHTMLAtAll":  `<p class='x' class="y">found</p><<<<>>> &amp &#x110000;`,
		"TooDeep":      deep,
		"NULBytes":     "<p class=\"x\">fo\x00und</p>",
		"BadUTF8":      "<meta charset=utf-8><p>\xff\xfe</p><p class=\"x\">found</p>",
		"TornMidTag":   `<p class="x">found</p><div class="unfini`,
		"BareComments": `<!-- <!-- --><p class="x">found</p><!--`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := answer(t, http.StatusOK, []byte(page), "Content-Type", "text/html")
			outcome, err := execute(t, newExecutor(t), request(server.URL, "",
				field.Field{Name: "x", Type: field.TypeText, Extract: &field.Extract{CSS: ".x"}}))
			require.NoError(t, err)
			require.Equal(t, "found", outcome.Fields["x"])
		})
	}
}
