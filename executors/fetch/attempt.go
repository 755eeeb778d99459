package fetch

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/executors/httpstatus"
	"github.com/minohq/mino/models/failure"
)

// attempt is one request with its redirects.
type attempt struct {
	executor *Executor
	settings Settings
	message  *message
	requests int
	bytes    int64
	visits   map[string]int
}

func (a *attempt) run(ctx context.Context, req executors.Request) (executors.Outcome, error) {
	response, err := a.send(ctx)
	if response != nil {
		defer func() { _ = response.Body.Close() }() // read-only: nothing can be lost
	}
	outcome := executors.Outcome{Evidence: executors.Evidence{FetchedAt: time.Now().UTC()}}
	if err != nil {
		outcome.Usage = a.usage()
		return outcome, err
	}
	final := a.message.hidden.address(finalAddress(a.message.address, response))
	outcome.Evidence.FinalURL = final.String()
	outcome.Evidence.StatusCode = response.StatusCode
	outcome.Evidence.ContentType = response.Header.Get("Content-Type")
	err = a.read(ctx, response, final, req, &outcome)
	outcome.Usage = a.usage()
	return outcome, err
}

func (a *attempt) usage() executors.Usage {
	return executors.Usage{Requests: a.requests, Bytes: a.bytes}
}

// send sends the request and follows redirects, as browsers do: after 301, 302 and 303
// what follows is a GET without the body.
func (a *attempt) send(ctx context.Context) (*http.Response, error) {
	m := a.message
	request, err := http.NewRequestWithContext(ctx, m.method, m.address.String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, failure.Wrap(err, failure.Permanent, CodeInvalidURL, "no request can be made for the URL")
	}
	request.Header = a.header()
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		return nil, fmt.Errorf("make a cookie jar: %w", err)
	}
	a.visits = map[string]int{m.address.String(): 1}
	a.requests = 1
	client := &http.Client{Transport: a.executor.transport, Jar: jar, CheckRedirect: a.redirect}
	return client.Do(request)
}

func (a *attempt) header() http.Header {
	h := http.Header{}
	h.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.9,*/*;q=0.5")
	h.Set("Accept-Encoding", acceptEncoding)
	h.Set("User-Agent", *a.settings.UserAgent)
	if *a.settings.AcceptLanguage != "" {
		h.Set("Accept-Language", *a.settings.AcceptLanguage)
	}
	if a.message.contentType != "" {
		h.Set("Content-Type", a.message.contentType)
	}
	for name, value := range a.message.headers {
		h.Set(name, value)
	}
	return h
}

// maxVisits is how often one address may be asked for: a first visit may set a
// cookie that a second one needs.
const maxVisits = 3

// redirect decides whether a redirect is followed.
func (a *attempt) redirect(next *http.Request, via []*http.Request) error {
	if len(via) > *a.settings.MaxRedirects {
		return failure.New(failure.Permanent, CodeTooManyRedirects, "more than %d redirects", *a.settings.MaxRedirects)
	}
	if next.URL.Scheme != "http" && next.URL.Scheme != "https" {
		return failure.New(failure.Permanent, CodeUnsupportedURL, "a redirect leads to a URL that is neither http nor https")
	}
	key := next.URL.String()
	a.visits[key]++
	if a.visits[key] > maxVisits {
		return failure.New(failure.Permanent, CodeRedirectLoop, "the redirects lead in a circle")
	}
	if !elsewhere(via[0].URL, next.URL) {
		a.requests++
		return nil
	}
	// What a project sends may hold keys for the host that it named, and so may the
	// address that was left.
	if next.Body != nil && next.Body != http.NoBody {
		return failure.New(failure.Permanent, CodeUnsupportedURL, "a redirect asks for the body to be sent to another host")
	}
	for name := range a.message.headers {
		next.Header.Del(name)
	}
	next.Header.Del("Referer")
	a.requests++
	return nil
}

// elsewhere tells whether an address is of another host than the first, or of the same
// without encryption.
func elsewhere(first, next *url.URL) bool {
	return !strings.EqualFold(first.Host, next.Host) || first.Scheme == "https" && next.Scheme == "http"
}

// finalAddress is where the page was found. A fragment outlives redirects, as it
// does in browsers: it may choose a variant.
func finalAddress(address *url.URL, response *http.Response) *url.URL {
	final := *address
	if response.Request != nil && response.Request.URL != nil {
		final = *response.Request.URL
	}
	if final.Fragment == "" {
		final.Fragment = address.Fragment
	}
	return &final
}

// read turns an answer into an outcome or a failure.
func (a *attempt) read(ctx context.Context, response *http.Response, final *url.URL, req executors.Request, outcome *executors.Outcome) error {
	if !httpstatus.Success(response.StatusCode) {
		return a.refused(ctx, response, final)
	}
	contentType := response.Header.Get("Content-Type")
	if httpstatus.Unreadable(contentType) {
		return failure.New(failure.Permanent, CodeUnsupportedContent, "the content is of type %q", contentType)
	}
	body, err := a.body(response, *a.settings.MaxBodyBytes)
	if err != nil {
		return err
	}
	req.Heartbeat("reading " + final.Hostname())
	page, err := extract.New(ctx, body, contentType, final)
	if err != nil && ctx.Err() != nil {
		return err // of the context, which Execute tells apart
	}
	if err != nil {
		return failure.Wrap(err, failure.Permanent, CodeUnreadable, "the page cannot be read")
	}
	if page.Kind() == extract.KindOther {
		return failure.New(failure.Permanent, CodeUnsupportedContent, "the content is of type %q and no text", contentType)
	}
	outcome.Evidence.Title = page.Title()
	blocked, err := page.Blocked(ctx)
	if err != nil {
		return err
	}
	found, err := page.Fields(ctx, req.Fields)
	if err != nil {
		return err
	}
	outcome.Blocked = blocked
	outcome.Fields, outcome.Evidence.Sources = found.Values, found.Sources
	return nil
}
