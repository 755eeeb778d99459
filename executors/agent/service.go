package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minohq/mino/executors/httpstatus"
	"github.com/minohq/mino/models/failure"
)

// maxAnswer bounds an answer, decompressed.
const maxAnswer = 8 << 20

// service speaks to the agent service with one key, for one attempt.
type service struct {
	base string
	key  string
	http *http.Client
	gate *gate
	rest time.Duration // after a 429 that does not say how long
	hide *strings.Replacer

	requests int
	bytes    int64
}

// service makes what an attempt, or a settlement, speaks to the service with. hidden
// are texts beside the secrets that answers may echo and that nobody is to see.
func (e *Executor) service(s Settings, secrets map[string]string, hidden ...string) (*service, error) {
	base, key := s.BaseURL, strings.TrimSpace(secrets[SecretAPIKey])
	if base == "" {
		base = e.config.BaseURL
		if key == "" {
			key = e.config.APIKey
		}
	}
	if key == "" {
		return nil, failure.New(failure.Permanent, CodeMissingAPIKey, "there is no key for the agent service: the project needs a secret %q", SecretAPIKey)
	}
	base = strings.TrimRight(base, "/")
	hidden = append(slices.AppendSeq(hidden, maps.Values(secrets)), key)
	return &service{
		base: base, key: key, gate: e.gates.of(base, key), rest: e.config.RateLimitDelay, hide: hiding(hidden...),
		http: &http.Client{
			Transport: e.transport,
			// A redirect would take the key to another address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// answer is what the service answered.
type answer struct {
	// sent is false when the request cannot have reached the service.
	sent   bool
	status int
	header http.Header
	body   document // nil when it is no JSON object
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// call sends one request. Its error is the context's when that has ended, and classified
// otherwise; an answer of any status is none.
func (s *service) call(ctx context.Context, method, path string, query url.Values, body any) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	response, sent, err := s.send(limited, method, path, query, body)
	got := answer{sent: sent}
	if err != nil {
		return got, callError(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing can be lost
	got.status, got.header = response.StatusCode, response.Header
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	s.bytes += int64(len(raw))
	if err != nil {
		return got, callError(ctx, err)
	}
	if len(raw) > maxAnswer {
		return got, failure.New(failure.Permanent, CodeAnswerTooLarge, "the agent service's answer is larger than %d bytes", maxAnswer)
	}
	got.body, err = decodeDocument(raw, s.hide)
	if err != nil {
		got.body = nil
		if got.ok() {
			return got, failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer is not a JSON object")
		}
	}
	return got, nil
}

func (s *service) send(ctx context.Context, method, path string, query url.Values, body any) (response *http.Response, sent bool, err error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, false, fmt.Errorf("write the request: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	// A request is on its way once there is a connection; before, nothing has been begun.
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(traced, method, address, content)
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("X-API-Key", s.key)
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	s.requests++
	response, err = s.http.Do(request)
	return response, connected.Load(), err
}

// callError classifies what the network did. The text of a *url.Error holds the whole
// address, which is nobody's business.
func callError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var transport *url.Error
	if errors.As(err, &transport) {
		err = transport.Err
	}
	classified := failure.Classify(err)
	if classified.Code == "UNKNOWN" {
		// Such as an answer that is not HTTP, of which the error tells.
		return failure.Wrap(err, failure.Transient, CodeAnswerUnreadable, "the agent service's answer could not be read")
	}
	return classified
}

// refused classifies an answer that is no success; the key rests when it is asked to.
func (s *service) refused(got answer) *failure.Error {
	if got.status >= 300 && got.status <= 399 {
		return failure.New(failure.Permanent, CodeRedirected, "the agent service answered with a redirect, which is not followed")
	}
	f := problemOf(got.body).refusal(got.status)
	if after := httpstatus.RetryAfter(got.header.Get("Retry-After"), time.Now()); after > 0 {
		f.RetryAfter = after
	}
	if f.Class == failure.RateLimit {
		if f.RetryAfter == 0 {
			f.RetryAfter = s.rest
		}
		s.gate.rest(f.RetryAfter)
	}
	return f
}
