// Package client speaks MINO's REST API for Go programs: the command line, the
// demo and the tests of the whole system.
//
// The API is authoritative for everything; the client keeps no state but its
// connections. Requests and answers are the types of package api/wire. Every call
// takes a context, and every call but an upload also has a deadline of its own
// (Config.Timeout, or the time of a try), so that a server that hangs cannot hang its
// caller.
//
// What may be repeated safely is repeated: reads, and the control calls that the
// API declares idempotent, are sent again after a 429 or 503, no sooner than the
// server's Retry-After asks and at most Config.MaxRetries times. What creates
// something carries an Idempotency-Key of its own, the same in every repetition, so
// that it is created once even when an answer is lost; it is sent again when no answer
// came, too. An upload is repeated when its source can go back to its beginning (an
// io.Seeker), else it is sent once.
//
// The API redirects nobody, so that a redirection is not followed: it would take the key with
// it.
//
// Failure: an answer of 300 or above is an *Error holding the server's problem
// document. A server that could not be reached, or broke off, is an
// *UnreachableError. A cancelled context is the context's own error, wrapped.
package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The defaults of Config.
const (
	DefaultTimeout       = 30 * time.Second
	DefaultMaxRetries    = 4
	DefaultMaxRetryDelay = 30 * time.Second
)

const (
	dialTimeout      = 5 * time.Second
	firstRetryDelay  = 250 * time.Millisecond
	defaultUserAgent = "mino-client"
)

// Config says where the API is and how patient the client is. The zero value of
// every member but BaseURL means its default.
type Config struct {
	// BaseURL is the API's root, such as http://127.0.0.1:8080; a path in it is kept.
	BaseURL string
	// Key is an API key or a bearer token, sent with every request; empty for an API that
	// asks nobody who they are.
	Key string
	// Organisation, by id or slug, is for holders of tokens who are in several.
	Organisation string
	// HTTPClient defaults to one with a dial timeout of 5 s.
	HTTPClient *http.Client
	// UserAgent defaults to "mino-client".
	UserAgent string
	// Timeout bounds one exchange of a call, uploads excepted.
	Timeout time.Duration
	// MaxRetries bounds the repetitions of one call; a negative number means none.
	MaxRetries int
	// MaxRetryDelay is the longest that the client waits before a repetition. When
	// the server asks for more, the call fails at once with the server's answer.
	MaxRetryDelay time.Duration
}

// Client is a client of one API. It is safe for concurrent use.
type Client struct {
	base          *url.URL
	key           string
	organisation  string
	http          *http.Client
	userAgent     string
	timeout       time.Duration
	maxRetries    int
	maxRetryDelay time.Duration
}

// New makes a client. It fails only when BaseURL is no absolute http or https URL, or Key
// or Organisation cannot be sent.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:          base,
		key:           cfg.Key,
		organisation:  cfg.Organisation,
		http:          cfg.HTTPClient,
		userAgent:     cfg.UserAgent,
		timeout:       cfg.Timeout,
		maxRetries:    cfg.MaxRetries,
		maxRetryDelay: cfg.MaxRetryDelay,
	}
	if c.http == nil {
		c.http = newHTTPClient()
	}
	// net/http takes the key along to another port of the same host, which is somebody else's
	// on a machine of several people, and into the clear.
	staying := *c.http
	staying.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &staying
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxRetries == 0 {
		c.maxRetries = DefaultMaxRetries
	}
	if c.maxRetryDelay <= 0 {
		c.maxRetryDelay = DefaultMaxRetryDelay
	}
	if strings.ContainsFunc(c.key+c.organisation, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errors.New("the API key, or the organisation, has characters that neither has: is it whole?")
	}
	return c, nil
}

// WithoutRetries gives a client of the same API, over the same connections, that
// sends everything once: for callers with a loop of their own.
func (c *Client) WithoutRetries() *Client {
	once := *c
	once.maxRetries = -1
	return &once
}

// BaseURL is the API's root without a slash at the end.
func (c *Client) BaseURL() string { return c.base.String() }

func parseBase(raw string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	if err != nil {
		return nil, fmt.Errorf("the API's address is not a URL: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("the API's address must look like http://127.0.0.1:8080, not %q", raw)
	}
	base.RawQuery, base.Fragment = "", ""
	return base, nil
}

func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: 2 * dialTimeout,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 4,
	}}
}
