package browser

import (
	"context"
	"errors"
	"net/url"

	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/executors/httpstatus"
	"github.com/minohq/mino/models/failure"
)

// content is a page as contentScript gives it.
type content struct {
	Type  string `json:"type"`
	Plain bool   `json:"plain"`
	URL   string `json:"url"`
	Text  string `json:"text"`
	Long  bool   `json:"long"`
}

// evaluateAnyhow evaluates on the page that comes next when this one is just being left.
func (j *job) evaluateAnyhow(ctx context.Context, expression string, into any) error {
	for {
		err := evaluate(ctx, j, expression, into)
		var threw *scriptError
		if err == nil || ctx.Err() != nil || errors.As(err, &threw) || j.browser.unfit.Load() || j.crash() != nil {
			return err
		}
		if err := pause(ctx, pollInterval); err != nil {
			return err
		}
	}
}

// load takes the page out of the browser.
func (j *job) load(ctx context.Context) (*extract.Page, *url.URL, error) {
	limit := *j.settings.MaxBodyBytes
	var c content
	if err := j.evaluateAnyhow(ctx, script(contentScript, limit), &c); err != nil {
		return nil, nil, err
	}
	if c.Long || int64(len(c.Text)) > limit {
		return nil, nil, failure.New(failure.Permanent, CodeBodyTooLarge, "the page is larger than %d bytes", limit)
	}
	address, err := url.Parse(c.URL)
	if err != nil || !isWeb(address.Scheme) {
		return nil, nil, failure.New(failure.Permanent, CodeUnsupportedURL, "the page leads to what is no web page")
	}
	if httpstatus.Unreadable(c.Type) {
		return nil, nil, failure.New(failure.Permanent, CodeUnsupportedContent, "the content is of type %q", c.Type)
	}
	contentType := "text/html; charset=utf-8"
	if c.Plain {
		contentType = c.Type + "; charset=utf-8"
	}
	page, err := extract.New(ctx, []byte(c.Text), contentType, address)
	if err != nil && ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, failure.Wrap(err, failure.Permanent, CodeUnreadable, "the page cannot be read")
	}
	return page, address, nil
}

// read turns the page into the outcome.
func (j *job) read(ctx context.Context) error {
	page, address, err := j.load(ctx)
	if err != nil {
		return err
	}
	j.evidence(page, address)
	blocked, err := page.Blocked(ctx)
	if err != nil {
		return err
	}
	found, err := page.Fields(ctx, j.req.Fields)
	if err != nil {
		return err
	}
	j.outcome.Blocked = blocked
	j.outcome.Fields, j.outcome.Evidence.Sources = found.Values, found.Sources
	j.shoot(ctx)
	return nil
}

func (j *job) evidence(page *extract.Page, address *url.URL) {
	shown := j.watcher.look().shown
	j.outcome.Evidence.FinalURL = j.redact(address)
	j.outcome.Evidence.StatusCode = shown.status
	j.outcome.Evidence.ContentType = shown.contentType
	j.outcome.Evidence.Title = page.Title()
}

// blocked says whether the page that stands in the way refuses or tests its visitor.
func (j *job) blocked(ctx context.Context) string {
	page, address, err := j.load(ctx)
	if err != nil {
		return "" // what matters is why the attempt failed
	}
	reason, err := page.Blocked(ctx)
	if err != nil {
		return ""
	}
	j.evidence(page, address)
	return reason
}
