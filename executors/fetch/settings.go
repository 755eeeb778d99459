package fetch

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors/setting"
)

// Settings are a project's settings for this executor. All have defaults. Strings that
// are called templates may refer to the row's columns and, but for the URL, to secrets of
// the project: see package template.
type Settings struct {
	// Method is GET or POST; by default POST when there is a body, and else GET. Other
	// methods bring no page, or are meant to change something, which an attempt that is
	// repeated would change again. A POST is repeated as well: it should ask, not order.
	Method string `json:"method,omitempty"`
	// URL is a template of the address, by default {{site_url}}, which may only be
	// followed by something. What else it refers to is escaped for the place where it
	// stands. At most 16,384 bytes, before and after.
	URL string `json:"url,omitempty"`
	// Query holds templates by name that are added to the URL; at most 100.
	Query map[string]string `json:"query,omitempty"`
	// Headers are templates, sent with every request to the host of the URL; at most 50,
	// of at most 4,096 bytes each. They are not sent on to another host.
	Headers map[string]string `json:"headers,omitempty"`
	// Body goes with POST, and is sent to the host of the URL only.
	Body *Body `json:"body,omitempty"`
	// TimeoutMS bounds one attempt from start to end: 1,000–600,000, default 30,000.
	TimeoutMS *int64 `json:"timeout_ms,omitempty"`
	// MaxRedirects is how many redirects are followed: 0–30, default 10.
	MaxRedirects *int `json:"max_redirects,omitempty"`
	// MaxBodyBytes bounds the body, decompressed: 1,024 up to the operator's limit,
	// which is the default.
	MaxBodyBytes *int64 `json:"max_body_bytes,omitempty"`
	// AcceptLanguage is the header of that name; default "en;q=0.8, *;q=0.5".
	AcceptLanguage *string `json:"accept_language,omitempty"`
	// UserAgent is the header of that name; by default it names MINO.
	UserAgent *string `json:"user_agent,omitempty"`
}

// Body is what a POST sends: one of JSON, Form and Text, of at most 256 KiB as it is
// written and 1 MiB as it is sent.
type Body struct {
	// JSON is any value. Every string within it, but for keys, is a template, and stays
	// a string.
	JSON json.RawMessage `json:"json,omitempty"`
	// Form holds templates by name, sent URL-encoded; at most 100.
	Form map[string]string `json:"form,omitempty"`
	// Text is a template.
	Text *string `json:"text,omitempty"`
	// ContentType is by default "application/json" or "text/plain; charset=utf-8"; a
	// form has its own.
	ContentType *string `json:"content_type,omitempty"`
}

const (
	minTimeoutMS, maxTimeoutMS, defaultTimeoutMS = 1_000, 600_000, 30_000
	maxMaxRedirects, defaultMaxRedirects         = 30, 10
	minMaxBody                                   = 1 << 10
	maxPairs                                     = 100
	maxURL                                       = 16 << 10
	maxBodyTemplate, maxRequestBody              = 256 << 10, 1 << 20
	defaultAcceptLanguage                        = "en;q=0.8, *;q=0.5"
)

func (s Settings) timeout() time.Duration { return time.Duration(*s.TimeoutMS) * time.Millisecond }

// parseSettings reads, checks and completes settings, whose templates go through read.
// Errors are validation.Errors keyed by setting.
func (e *Executor) parseSettings(raw json.RawMessage, read reader) (*plan, error) {
	p := &plan{}
	if err := setting.Decode(raw, &p.Settings); err != nil {
		return nil, err
	}
	setting.Default(&p.TimeoutMS, defaultTimeoutMS)
	setting.Default(&p.MaxRedirects, defaultMaxRedirects)
	setting.Default(&p.MaxBodyBytes, e.config.MaxBody)
	setting.Default(&p.AcceptLanguage, defaultAcceptLanguage)
	setting.Default(&p.UserAgent, e.config.UserAgent)
	errs := p.compile(read)
	var more validation.Errors
	if err := p.validate(e.config.MaxBody); errors.As(err, &more) {
		maps.Copy(errs, more)
	} else if err != nil {
		return nil, err
	}
	return p, errs.Filter()
}

func (s Settings) validate(maxBody int64) error {
	return validation.ValidateStruct(&s,
		validation.Field(&s.Method, validation.In(http.MethodGet, http.MethodPost).Error("must be GET or POST"),
			validation.When(s.Body != nil, validation.NotIn(http.MethodGet).Error("must be POST when there is a body"))),
		validation.Field(&s.TimeoutMS, setting.Between(minTimeoutMS, maxTimeoutMS)),
		validation.Field(&s.MaxRedirects, setting.Between(0, maxMaxRedirects)),
		validation.Field(&s.MaxBodyBytes, setting.Between(minMaxBody, maxBody)),
		validation.Field(&s.AcceptLanguage, validation.By(setting.HeaderValue)),
		validation.Field(&s.UserAgent, validation.By(setting.HeaderValue)),
	)
}

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (b *Body) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, b) }
