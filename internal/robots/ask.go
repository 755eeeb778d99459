package robots

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// ask gets the robots.txt of an origin.
func (r *Robots) ask(ctx context.Context, origin string) entry {
	body, err := r.get(ctx, origin+"/robots.txt")
	if err == nil {
		return entry{rules: parse(body, r.token), expires: r.now().Add(believed)}
	}
	why := failure.Classify(err)
	if why.Code != safedial.CodeNotAllowed {
		why = failure.Wrap(err, failure.Transient, CodeUnreachable, "the site's robots.txt could not be read")
	}
	return entry{err: why, expires: r.now().Add(forgiven)}
}

// get gives the content of a robots.txt; none where there is no such file.
func (r *Robots) get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", r.config.UserAgent)
	response, err := r.client.Do(request)
	if err != nil {
		var transport *url.Error
		if errors.As(err, &transport) {
			return nil, transport.Err
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing can be lost
	switch {
	case response.StatusCode >= 500:
		return nil, fmt.Errorf("the server answered %d", response.StatusCode)
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxSize {
		// Half a line would be another rule.
		body = body[:bytes.LastIndexAny(body[:maxSize], "\r\n")+1]
	}
	return body, nil
}
