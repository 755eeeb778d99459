package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/validation"
	"golang.org/x/net/http/httpguts"
)

// Settings are a project's settings for this executor. All have defaults.
type Settings struct {
	// Method is GET, which is also the default.
	Method string `json:"method,omitempty"`
	// Headers are sent with every request to the host of the URL; at most 50, of at
	// most 4,096 bytes each. They are not sent on to another host.
	Headers map[string]string `json:"headers,omitempty"`
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

const (
	minTimeoutMS, maxTimeoutMS, defaultTimeoutMS = 1_000, 600_000, 30_000
	maxMaxRedirects, defaultMaxRedirects         = 30, 10
	minMaxBody                                   = 1 << 10
	maxHeaders, maxHeaderBytes                   = 50, 4096
	defaultAcceptLanguage                        = "en;q=0.8, *;q=0.5"
)

func (s Settings) timeout() time.Duration { return time.Duration(*s.TimeoutMS) * time.Millisecond }

// parseSettings reads, checks and completes settings. Errors are validation.Errors
// keyed by setting.
func (e *Executor) parseSettings(raw json.RawMessage) (Settings, error) {
	s, err := decodeSettings(raw)
	if err != nil {
		return s, err
	}
	setDefault(&s.TimeoutMS, defaultTimeoutMS)
	setDefault(&s.MaxRedirects, defaultMaxRedirects)
	setDefault(&s.MaxBodyBytes, e.config.MaxBody)
	setDefault(&s.AcceptLanguage, defaultAcceptLanguage)
	setDefault(&s.UserAgent, e.config.UserAgent)
	return s, s.validate(e.config.MaxBody)
}

func setDefault[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

func (s Settings) validate(maxBody int64) error {
	return validation.ValidateStruct(&s,
		validation.Field(&s.Method, validation.In(http.MethodGet).Error("must be GET")),
		validation.Field(&s.Headers, validation.By(func(any) error { return checkHeaders(s.Headers) })),
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

// ownHeaders are set by the executor or belong to the connection.
var ownHeaders = map[string]string{
	"Host": "is taken from the URL", "Content-Length": "is set by the executor", "Transfer-Encoding": "is set by the executor",
	"Connection": "belongs to the connection", "Keep-Alive": "belongs to the connection", "Upgrade": "belongs to the connection",
	"Te": "belongs to the connection", "Trailer": "belongs to the connection", "Expect": "belongs to the connection",
	"Accept-Encoding": "is set by the executor", "User-Agent": "is the setting user_agent", "Accept-Language": "is the setting accept_language",
}

func checkHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("at most %d headers", maxHeaders)
	}
	errs := validation.Errors{}
	seen := map[string]bool{}
	for name, value := range headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name) || len(name) > 128:
			errs[name] = errors.New("is not the name of a header")
		case ownHeaders[canonical] != "":
			errs[name] = errors.New(ownHeaders[canonical])
		case strings.HasPrefix(canonical, "Proxy-"):
			errs[name] = errors.New("belongs to the connection")
		case seen[canonical]:
			errs[name] = errors.New("stands twice")
		case len(value) > maxHeaderBytes || !httpguts.ValidHeaderFieldValue(value):
			errs[name] = fmt.Errorf("must be a header value of at most %d bytes", maxHeaderBytes)
		}
		seen[canonical] = true
	}
	return errs.Filter()
}

// decodeSettings reads every member by itself, so that an error names it.
func decodeSettings(raw json.RawMessage) (Settings, error) {
	var s Settings
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return s, nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return s, errors.New("must be an object")
	}
	errs := validation.Errors{}
	target := reflect.ValueOf(&s).Elem()
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		member, ok := members[name]
		if !ok {
			continue
		}
		delete(members, name)
		if err := json.Unmarshal(member, target.Field(i).Addr().Interface()); err != nil {
			errs[name] = fmt.Errorf("must be %s", kindName(target.Type().Field(i).Type))
		}
	}
	for name := range members {
		errs[name] = errors.New("is not a setting of this executor")
	}
	return s, errs.Filter()
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
