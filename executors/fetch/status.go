package fetch

import (
	"context"
	"net/http"
	"net/url"

	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/executors/httpstatus"
)

// refused classifies an answer whose status is no success. Its page is read a little:
// when it tells of a test for robots, the message says so.
func (a *attempt) refused(ctx context.Context, response *http.Response, final *url.URL) error {
	return httpstatus.Failure(response.StatusCode, response.Header.Get("Retry-After"), a.blocked(ctx, response, final))
}

const refusalSize = 128 << 10

// blocked says whether the page of a refusal is that of a guard against robots.
func (a *attempt) blocked(ctx context.Context, response *http.Response, final *url.URL) string {
	contentType := response.Header.Get("Content-Type")
	if httpstatus.Unreadable(contentType) {
		return ""
	}
	body, err := a.body(response, refusalSize)
	if err != nil {
		return "" // what matters is the status
	}
	page, err := extract.New(ctx, body, contentType, final)
	if err != nil {
		return ""
	}
	reason, err := page.Blocked(ctx)
	if err != nil {
		return ""
	}
	return reason
}
