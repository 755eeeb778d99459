package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/minohq/mino/executors/httpstatus"
	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
)

// maxDocuments is how many documents a job may come to see, its steps included.
const maxDocuments = 100

// soon is the most seconds after which a page that sends its visitor on is waited for.
const soon = 3

// milestone is what Chromium calls what is waited for.
var milestone = map[string]string{untilLoad: "load", untilParsed: parsed, untilIdle: "networkIdle"}

const parsed = "DOMContentLoaded"

// navigate opens the address and waits until the page is there.
func (j *job) navigate(ctx context.Context) error {
	result, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: j.address.String()})
	if err != nil {
		return err
	}
	if result.IsDownload || j.watcher.look().downloaded {
		return j.download()
	}
	if result.ErrorText != "" {
		return j.unreached(result.ErrorText)
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	if j.settings.Wait.Selector == "" {
		return nil
	}
	_, err = j.find(ctx, "wait", j.settings.Wait.Selector, j.settings.Wait.timeout())
	return err
}

// settle waits until the page that is being opened is there, and goes with it where it
// sends its visitor.
func (j *job) settle(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, j.settings.Wait.timeout())
	defer cancel()
	for {
		if err := j.arrive(ctx, waiting); err != nil {
			return err
		}
		going, err := j.goingOn(waiting)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if !going || waiting.Err() != nil || j.watcher.look().documents > maxDocuments {
			return j.check()
		}
	}
}

// goingOn reports whether the page sends its visitor elsewhere, at once or soon.
func (j *job) goingOn(ctx context.Context) (bool, error) {
	before := j.watcher.look().committed
	var refreshes bool
	// What the page has been told to do by now, it has announced when this returns.
	err := evaluate(ctx, j, script(refreshScript, soon), &refreshes)
	elsewhere := func(v view) bool { return v.leaving || v.committed != before }
	if err == nil && refreshes {
		return true, j.watcher.wait(ctx, elsewhere)
	}
	return elsewhere(j.watcher.look()), err
}

// arrive waits for the milestone. When it does not come in its time, a page that has been
// parsed is good enough: many never come to rest.
func (j *job) arrive(ctx, waiting context.Context) error {
	until := milestone[j.settings.Wait.Until]
	over := func(v view) bool {
		return v.crashed || v.downloaded || v.documents > maxDocuments || (v.doc.failed != "" && !v.leaving)
	}
	err := j.watcher.wait(waiting, func(v view) bool { return over(v) || (!v.leaving && v.reached[until]) })
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, j.crash())
	}
	if err := j.watcher.wait(ctx, func(v view) bool { return over(v) || v.reached[parsed] }); err != nil {
		return err
	}
	j.note(fmt.Sprintf("%s did not come within %v; the page was taken as it was", j.settings.Wait.Until, j.settings.Wait.timeout()))
	return j.crash()
}

func (j *job) crash() error {
	if j.watcher.look().crashed {
		return errors.New("the page crashed") // which cause puts into words
	}
	return nil
}

// check judges the document that is shown.
func (j *job) check() error {
	v := j.watcher.look()
	switch {
	case v.crashed:
		return j.crash()
	case v.downloaded:
		return j.download()
	case v.documents > maxDocuments:
		return failure.New(failure.Permanent, CodeTooManyRedirects, "the page leads from one to the next, more than %d times", maxDocuments)
	case v.shown.failed != "":
		return j.unreached(v.shown.failed)
	case v.shown.status == 0 || httpstatus.Success(v.shown.status):
		return nil
	}
	return j.unreached("")
}

func (j *job) download() error {
	return failure.New(failure.Permanent, CodeUnsupportedContent, "the address leads to a download, not to a page")
}

// noTunnel is Chromium's word when the proxy gives it no way to a server.
const noTunnel = "ERR_TUNNEL_CONNECTION_FAILED"

// unreached says why there is no page: by the status if there was an answer, by what the
// proxy knows, or by Chromium's word.
func (j *job) unreached(word string) error {
	v := j.watcher.look()
	j.outcome.Evidence.StatusCode = v.doc.status
	j.outcome.Evidence.ContentType = v.doc.contentType
	address, err := url.Parse(v.doc.url)
	if err != nil {
		address = j.address
	} else if v.doc.url != "" {
		j.outcome.Evidence.FinalURL = j.redact(address)
	}
	refused := j.grant.Failure(egress.HostPort(address.Scheme, address.Hostname(), address.Port()))
	if refused != nil && (v.doc.fromProxy || strings.Contains(word, noTunnel)) {
		j.outcome.Evidence.StatusCode, j.outcome.Evidence.ContentType = 0, ""
		return refused
	}
	if j.grant.Exhausted() {
		return failure.New(failure.Permanent, egress.CodeBudget, "the page moves more than %d bytes", j.executor.config.MaxTransfer)
	}
	if v.doc.status != 0 && !httpstatus.Success(v.doc.status) {
		return httpstatus.Failure(v.doc.status, v.doc.retryAfter, "")
	}
	return netFailure(word)
}

// netFailures says what Chromium's words mean, by their beginnings.
var netFailures = []struct {
	word, code, message string
	class               failure.Class
}{
	{"ERR_CERT_", "TLS_CERTIFICATE", "the certificate was not accepted", failure.Network},
	{"ERR_SSL_", "TLS_HANDSHAKE", "the TLS handshake failed", failure.Network},
	{"ERR_BAD_SSL_", "TLS_HANDSHAKE", "the TLS handshake failed", failure.Network},
	{"ERR_TOO_MANY_REDIRECTS", CodeTooManyRedirects, "too many redirects", failure.Permanent},
	{"ERR_UNSAFE_REDIRECT", CodeUnsupportedURL, "a redirect leads to what is no web page", failure.Permanent},
	{"ERR_UNKNOWN_URL_SCHEME", CodeUnsupportedURL, "a redirect leads to what is no web page", failure.Permanent},
	{"ERR_BLOCKED_BY_CLIENT", CodeUnsupportedURL, "a redirect leads to what is no web page", failure.Permanent},
	{"ERR_UNSAFE_PORT", egress.CodePort, "the port is not one of web servers", failure.Permanent},
	{"ERR_INVALID_URL", CodeInvalidURL, "the browser does not take the URL", failure.Permanent},
	{"ERR_NAME_NOT_RESOLVED", "DNS", "the name could not be resolved", failure.Network},
	{"ERR_CONNECTION_REFUSED", "CONNECTION_REFUSED", "the connection was refused", failure.Network},
	{"ERR_CONNECTION_TIMED_OUT", "DEADLINE_EXCEEDED", "the server did not answer in time", failure.Timeout},
	{"ERR_TIMED_OUT", "DEADLINE_EXCEEDED", "the server did not answer in time", failure.Timeout},
	{"ERR_CONNECTION_", "CONNECTION_RESET", "the connection was cut", failure.Network},
	{"ERR_EMPTY_RESPONSE", "CONNECTION_RESET", "the connection was cut", failure.Network},
	{noTunnel, "NETWORK", "the network failed", failure.Network},
	{"ERR_PROXY_", "NETWORK", "the network failed", failure.Network},
	{"ERR_NETWORK_", "NETWORK", "the network failed", failure.Network},
	{"ERR_ADDRESS_", "NETWORK", "the network failed", failure.Network},
	{"ERR_HTTP2_", "NETWORK", "the server breaks the protocol", failure.Network},
	{"ERR_INVALID_HTTP_RESPONSE", "NETWORK", "the server breaks the protocol", failure.Network},
	{"ERR_INVALID_CHUNKED_ENCODING", "CONNECTION_RESET", "the connection was cut", failure.Network},
	{"ERR_INCOMPLETE_", "CONNECTION_RESET", "the connection was cut", failure.Network},
	{"ERR_CONTENT_LENGTH_MISMATCH", "CONNECTION_RESET", "the connection was cut", failure.Network},
	{"ERR_CONTENT_DECODING_", "CONTENT_ENCODING", "the body could not be decompressed", failure.Transient},
	{"ERR_RESPONSE_HEADERS_TOO_BIG", CodeNavigation, "the answer's headers are too large", failure.Permanent},
	{"ERR_ABORTED", CodeUnsupportedContent, "the address leads to no page", failure.Permanent},
	{"ERR_BLOCKED_BY_", CodeNavigation, "the site does not let the page be shown", failure.Permanent},
}

// netFailure classifies a navigation that failed.
func netFailure(word string) error {
	word = strings.TrimPrefix(word, "net::")
	for _, known := range netFailures {
		if strings.HasPrefix(word, known.word) {
			return failure.New(known.class, known.code, "%s (%s)", known.message, word)
		}
	}
	return failure.New(failure.Transient, CodeNavigation, "the page could not be opened (%s)", word)
}

// pollInterval is the time between two looks for an element: a page does not tell when
// one becomes visible.
const pollInterval = 100 * time.Millisecond
