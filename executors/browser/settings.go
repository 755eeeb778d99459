package browser

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/validation"
	"golang.org/x/net/http/httpguts"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/template"
)

// Settings are a project's settings for this executor. All have defaults.
type Settings struct {
	// Wait says when a page counts as loaded.
	Wait *Wait `json:"wait,omitempty"`
	// Steps are done on the page in this order, before its fields are read; at most 50.
	Steps []Step `json:"steps,omitempty"`
	// TimeoutMS bounds one attempt from the moment it has a browser: 1,000–600,000,
	// default 60,000.
	TimeoutMS *int64 `json:"timeout_ms,omitempty"`
	// Viewport is the size of the window; default 1280 × 800.
	Viewport *Viewport `json:"viewport,omitempty"`
	// UserAgent is what the browser calls itself; by default Chromium with MINO's name.
	UserAgent *string `json:"user_agent,omitempty"`
	// AcceptLanguage is the header of that name, and what pages see as the languages.
	AcceptLanguage *string `json:"accept_language,omitempty"`
	// Headers are sent with every request to the host of the URL; at most 50, of at most
	// 4,096 bytes each. Their values are templates, in which secrets may stand. They are
	// not sent to another host.
	Headers map[string]string `json:"headers,omitempty"`
	// Screenshot is "viewport", the default, "full_page" or "none".
	Screenshot string `json:"screenshot,omitempty"`
	// Block lists what is not loaded: "images", "media", "fonts".
	Block []string `json:"block,omitempty"`
	// MaxBodyBytes bounds the rendered page: 1,024 up to the operator's limit, which is
	// the default.
	MaxBodyBytes *int64 `json:"max_body_bytes,omitempty"`
}

// Wait says when a page counts as loaded.
type Wait struct {
	// Until is "load", the default, "domcontentloaded" or "networkidle": no request for
	// half a second.
	Until string `json:"until,omitempty"`
	// Selector, unless it is empty, must match something visible, too.
	Selector string `json:"selector,omitempty"`
	// TimeoutMS bounds the waiting: 100–120,000, default 15,000. A page that has been
	// parsed by then is taken as it is; a selector that matches nothing is a failure.
	TimeoutMS *int64 `json:"timeout_ms,omitempty"`
}

// Viewport is the size of a window in CSS pixels, each 100–4,000.
type Viewport struct {
	Width  int64 `json:"width"`
	Height int64 `json:"height"`
}

const (
	minTimeoutMS, maxTimeoutMS, defaultTimeoutMS = 1_000, 600_000, 60_000
	minWaitMS, maxWaitMS, defaultWaitMS          = 100, 120_000, 15_000
	minSide, maxSide                             = 100, 4_000
	defaultWidth, defaultHeight                  = 1280, 800
	minMaxBody                                   = 1 << 10
	maxHeaders, maxHeaderBytes                   = 50, 4096
	maxSelector                                  = 2_000
)

// Values of Wait.Until and Settings.Screenshot.
const (
	untilLoad, untilParsed, untilIdle  = "load", "domcontentloaded", "networkidle"
	shotViewport, shotPage, shotNone   = "viewport", "full_page", "none"
	blockImages, blockMedia, blockFont = "images", "media", "fonts"
)

func (s Settings) timeout() time.Duration { return milliseconds(s.TimeoutMS) }

func (w *Wait) timeout() time.Duration { return milliseconds(w.TimeoutMS) }

func milliseconds(n *int64) time.Duration { return time.Duration(*n) * time.Millisecond }

// parseSettings reads, checks and completes settings. Errors are validation.Errors keyed
// by setting.
func (e *Executor) parseSettings(spec executors.Spec) (Settings, error) {
	var s Settings
	if err := decodeMembers(spec.Settings, &s); err != nil {
		return s, err
	}
	setDefault(&s.Wait, Wait{})
	if s.Wait.Until == "" {
		s.Wait.Until = untilLoad
	}
	setDefault(&s.Wait.TimeoutMS, defaultWaitMS)
	setDefault(&s.TimeoutMS, defaultTimeoutMS)
	setDefault(&s.Viewport, Viewport{Width: defaultWidth, Height: defaultHeight})
	setDefault(&s.MaxBodyBytes, e.config.MaxBody)
	if s.Screenshot == "" {
		s.Screenshot = shotViewport
	}
	return s, s.validate(spec, e.config.MaxBody)
}

func setDefault[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

func (s Settings) validate(spec executors.Spec, maxBody int64) error {
	return validation.ValidateStruct(&s,
		validation.Field(&s.Wait, validation.By(func(any) error { return s.Wait.validate() })),
		validation.Field(&s.Steps, validation.By(func(any) error { return checkSteps(s.Steps, spec) })),
		validation.Field(&s.TimeoutMS, between(minTimeoutMS, maxTimeoutMS)),
		validation.Field(&s.Viewport, validation.By(func(any) error { return s.Viewport.validate() })),
		validation.Field(&s.UserAgent, validation.By(headerValue)),
		validation.Field(&s.AcceptLanguage, validation.By(headerValue)),
		validation.Field(&s.Headers, validation.By(func(any) error { return checkHeaders(s.Headers, spec) })),
		validation.Field(&s.Screenshot, oneOf(shotViewport, shotPage, shotNone)),
		validation.Field(&s.Block, validation.Each(oneOf(blockImages, blockMedia, blockFont))),
		validation.Field(&s.MaxBodyBytes, between(minMaxBody, maxBody)),
	)
}

func (w *Wait) validate() error {
	return validation.ValidateStruct(w,
		validation.Field(&w.Until, oneOf(untilLoad, untilParsed, untilIdle)),
		validation.Field(&w.Selector, validation.Length(0, maxSelector)),
		validation.Field(&w.TimeoutMS, between(minWaitMS, maxWaitMS)),
	)
}

func (v *Viewport) validate() error {
	return validation.ValidateStruct(v,
		validation.Field(&v.Width, between(minSide, maxSide)),
		validation.Field(&v.Height, between(minSide, maxSide)),
	)
}

func oneOf(words ...string) validation.Rule {
	return validation.By(func(v any) error {
		if word, ok := v.(string); !ok || !slices.Contains(words, word) {
			return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		return nil
	})
}

// between checks a number that may be 0, which the library's own rules take for absent.
func between(low, high int64) validation.Rule {
	return validation.By(func(v any) error {
		var n int64
		switch v := v.(type) {
		case int64:
			n = v
		case *int64:
			if v == nil {
				return nil
			}
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

// ownHeaders are set by the browser or belong to the connection.
var ownHeaders = map[string]string{
	"User-Agent": "is the setting user_agent", "Accept-Language": "is the setting accept_language",
	"Host": "is taken from the URL", "Content-Length": "is set by the browser", "Accept-Encoding": "is set by the browser",
	"Origin": "is set by the browser", "Referer": "is set by the browser", "Expect": "belongs to the connection",
	"Transfer-Encoding": "belongs to the connection", "Connection": "belongs to the connection", "Keep-Alive": "belongs to the connection",
	"Upgrade": "belongs to the connection", "Te": "belongs to the connection", "Trailer": "belongs to the connection",
}

func checkHeaders(headers map[string]string, spec executors.Spec) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("at most %d headers", maxHeaders)
	}
	errs := validation.Errors{}
	seen := map[string]bool{}
	for name, value := range headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		_, wrong := template.Check(value, spec.Inputs, spec.Secrets, true)
		switch {
		case !httpguts.ValidHeaderFieldName(name) || len(name) > 128:
			errs[name] = errors.New("is not the name of a header")
		case ownHeaders[canonical] != "":
			errs[name] = errors.New(ownHeaders[canonical])
		case strings.HasPrefix(canonical, "Proxy-") || strings.HasPrefix(canonical, "Sec-"):
			errs[name] = errors.New("belongs to the browser")
		case seen[canonical]:
			errs[name] = errors.New("stands twice")
		case len(value) > maxHeaderBytes || !httpguts.ValidHeaderFieldValue(value):
			errs[name] = fmt.Errorf("must be a header value of at most %d bytes", maxHeaderBytes)
		case wrong != nil:
			errs[name] = wrong
		}
		seen[canonical] = true
	}
	return errs.Filter()
}

// decodeMembers reads an object member by member, so that an error names the one that is
// wrong. Absent and null are an object without members.
func decodeMembers(raw json.RawMessage, into any) error {
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
		if err := json.Unmarshal(member, target.Field(i).Addr().Interface()); err != nil {
			errs[name] = unreadable(err, target.Type().Field(i).Type)
		}
	}
	for name := range members {
		errs[name] = errors.New("is not a setting of this executor")
	}
	return errs.Filter()
}

// unreadable says what a member must be. What reads its members itself has said it.
func unreadable(err error, t reflect.Type) error {
	var within validation.Errors
	if errors.As(err, &within) {
		return within
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return errors.New("must be a string")
	case reflect.Map:
		return errors.New("must be an object of strings")
	case reflect.Slice:
		return errors.New("must be a list")
	case reflect.Struct:
		return errors.New("must be an object")
	default:
		return errors.New("must be a whole number")
	}
}

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (w *Wait) UnmarshalJSON(raw []byte) error { return decodeMembers(raw, w) }

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (v *Viewport) UnmarshalJSON(raw []byte) error { return decodeMembers(raw, v) }

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (s *Step) UnmarshalJSON(raw []byte) error { return decodeMembers(raw, s) }
