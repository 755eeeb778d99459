package shop

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
)

// Handler serves the shop: the list at /, /sitemap.xml, the products, and a search for
// programs at /api/search.
func (s *Shop) Handler() http.Handler { return s.handler }

func (s *Shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveHome)
	mux.HandleFunc("GET /sitemap.xml", s.serveSitemap)
	mux.HandleFunc("GET /products/{name}", s.serveProduct)
	mux.HandleFunc("POST /api/search", s.serveSearch)
	return mux
}

func (s *Shop) serveHome(w http.ResponseWriter, _ *http.Request) {
	data := newPage(locales[0], "All products")
	data.Products = s.products
	write(w, http.StatusOK, contentTypeUTF8, draw("home", data))
}

// serveSitemap lists all products, the missing ones too, as sitemaps do.
func (s *Shop) serveSitemap(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n")
	for _, p := range s.products {
		fmt.Fprintf(&b, "<url><loc>http://%s%s</loc></url>\n", r.Host, p.Path)
	}
	b.WriteString("</urlset>\n")
	write(w, http.StatusOK, "application/xml", b.Bytes())
}

func (s *Shop) serveProduct(w http.ResponseWriter, r *http.Request) {
	p, ok := s.byPath[r.URL.Path]
	if !ok {
		s.serveGone(w)
		return
	}
	first := s.count(p.Path) == 1
	switch p.Kind {
	case Slow:
		if s.wait(r.Context(), p.variant) != nil {
			// The client left, or the shop closes: an answer of no content would be one.
			panic(http.ErrAbortHandler)
		}
	case RateLimited:
		if first {
			w.Header().Set("Retry-After", strconv.Itoa(1))
			writePage(w, http.StatusTooManyRequests, "limited")
			return
		}
	case Flaky:
		if first {
			writePage(w, http.StatusServiceUnavailable, "unavailable")
			return
		}
	case Broken:
		writePage(w, http.StatusInternalServerError, "broken")
		return
	case Gone:
		s.serveGone(w)
		return
	case Blocked:
		writePage(w, http.StatusOK, "blocked-"+strconv.Itoa(p.variant))
		return
	case Empty:
		writePage(w, http.StatusOK, "empty")
		return
	case OK, Malformed, Partial, WrongTruth:
	}
	body, contentType := p.render("http://" + r.Host + p.Path)
	write(w, http.StatusOK, contentType, body)
}

func (s *Shop) serveGone(w http.ResponseWriter) {
	write(w, http.StatusNotFound, contentTypeUTF8, draw("gone", newPage(locales[0], "Not found")))
}

func writePage(w http.ResponseWriter, status int, name string) {
	write(w, status, contentTypeUTF8, draw(name, nil))
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A client that left has nobody to tell.
	_, _ = w.Write(body) //nolint:gosec // drawn by html/template, which escapes the host name
}
