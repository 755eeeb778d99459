package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/validation"
	"golang.org/x/net/http/httpguts"
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
	maxHeaders, maxHeaderBytes                   = 50, 4096
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
	if err := decodeSettings(raw, &p.Settings); err != nil {
		return nil, err
	}
	setDefault(&p.TimeoutMS, defaultTimeoutMS)
	setDefault(&p.MaxRedirects, defaultMaxRedirects)
	setDefault(&p.MaxBodyBytes, e.config.MaxBody)
	setDefault(&p.AcceptLanguage, defaultAcceptLanguage)
	setDefault(&p.UserAgent, e.config.UserAgent)
	errs := p.compile(read)
	var more validation.Errors
	if err := p.validate(e.config.MaxBody); errors.As(err, &more) {
		maps.Copy(errs, more)
	} else if err != nil {
		return nil, err
	}
	return p, errs.Filter()
}

func setDefault[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

func (s Settings) validate(maxBody int64) error {
	return validation.ValidateStruct(&s,
		validation.Field(&s.Method, validation.In(http.MethodGet, http.MethodPost).Error("must be GET or POST"),
			validation.When(s.Body != nil, validation.NotIn(http.MethodGet).Error("must be POST when there is a body"))),
		validation.Field(&s.TimeoutMS, between(minTimeoutMS, maxTimeoutMS)),
		validation.Field(&s.MaxRedirects, between(0, maxMaxRedirects)),
		validation.Field(&s.MaxBodyBytes, between(minMaxBody, maxBody)),
		validation.Field(&s.AcceptLanguage, validation.By(headerValue)),
		validation.Field(&s.UserAgent, validation.By(headerValue)),
	)
}

// between checks a number that may be 0, which the library's own rules take for
// absent.
func between(low, high int64) validation.Rule {
	return validation.By(func(v any) error {
		var n int64
		switch v := v.(type) {
		case *int:
			n = int64(*v)
		case *int64:
			n = *v
		}
		if n < low || n > high {
			return fmt.Errorf("must be between %d and %d", low, high)
		}
		return nil
	})
}

func headerValue(v any) error {
	text, ok := v.(*string)
	if !ok || text == nil {
		return nil
	}
	if len(*text) > maxHeaderBytes || !httpguts.ValidHeaderFieldValue(*text) {
		return fmt.Errorf("must be a header value of at most %d bytes", maxHeaderBytes)
	}
	return nil
}

// decodeSettings reads every member by itself, so that an error names it.
func decodeSettings(raw json.RawMessage, into any) error {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return errors.New("must be an object")
	}
	errs := validation.Errors{}
	target := reflect.ValueOf(into).Elem()
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		member, ok := members[name]
		if !ok {
			continue
		}
		delete(members, name)
		errs[name] = decodeMember(member, target.Field(i))
	}
	for name := range members {
		errs[name] = errors.New("is not a setting of this executor")
	}
	return errs.Filter()
}

func decodeMember(raw json.RawMessage, into reflect.Value) error {
	if body, ok := reflect.TypeAssert[**Body](into.Addr()); ok && string(raw) != "null" {
		*body = &Body{}
		return decodeSettings(raw, *body)
	}
	if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil {
		return fmt.Errorf("must be %s", kindName(into.Type()))
	}
	return nil
}

func kindName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Map:
		return "an object of strings"
	default:
		return "a whole number"
	}
}
