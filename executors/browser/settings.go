package browser

import (
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/setting"
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
	if err := setting.Decode(spec.Settings, &s); err != nil {
		return s, err
	}
	setting.Default(&s.Wait, Wait{})
	if s.Wait.Until == "" {
		s.Wait.Until = untilLoad
	}
	setting.Default(&s.Wait.TimeoutMS, defaultWaitMS)
	setting.Default(&s.TimeoutMS, defaultTimeoutMS)
	setting.Default(&s.Viewport, Viewport{Width: defaultWidth, Height: defaultHeight})
	setting.Default(&s.MaxBodyBytes, e.config.MaxBody)
	if s.Screenshot == "" {
		s.Screenshot = shotViewport
	}
	return s, s.validate(spec, e.config.MaxBody)
}

func (s Settings) validate(spec executors.Spec, maxBody int64) error {
	return validation.ValidateStruct(&s,
		validation.Field(&s.Wait, validation.By(func(any) error { return s.Wait.validate() })),
		validation.Field(&s.Steps, validation.By(func(any) error { return checkSteps(s.Steps, spec) })),
		validation.Field(&s.TimeoutMS, setting.Between(minTimeoutMS, maxTimeoutMS)),
		validation.Field(&s.Viewport, validation.By(func(any) error { return s.Viewport.validate() })),
		validation.Field(&s.UserAgent, validation.By(setting.HeaderValue)),
		validation.Field(&s.AcceptLanguage, validation.By(setting.HeaderValue)),
		validation.Field(&s.Headers, validation.By(func(any) error { return checkHeaders(s.Headers, spec) })),
		validation.Field(&s.Screenshot, setting.OneOf(shotViewport, shotPage, shotNone)),
		validation.Field(&s.Block, validation.Each(validation.Required, setting.OneOf(blockImages, blockMedia, blockFont))),
		validation.Field(&s.MaxBodyBytes, setting.Between(minMaxBody, maxBody)),
	)
}

func (w *Wait) validate() error {
	return validation.ValidateStruct(w,
		validation.Field(&w.Until, setting.OneOf(untilLoad, untilParsed, untilIdle)),
		validation.Field(&w.Selector, validation.Length(0, maxSelector)),
		validation.Field(&w.TimeoutMS, setting.Between(minWaitMS, maxWaitMS)),
	)
}

func (v *Viewport) validate() error {
	return validation.ValidateStruct(v,
		validation.Field(&v.Width, setting.Between(minSide, maxSide)),
		validation.Field(&v.Height, setting.Between(minSide, maxSide)),
	)
}

// ownHeaders are set by the browser.
var ownHeaders = map[string]string{
	"User-Agent": "is the setting user_agent", "Accept-Language": "is the setting accept_language",
	"Host": "is taken from the URL", "Content-Length": "is set by the browser", "Accept-Encoding": "is set by the browser",
	"Origin": "is set by the browser", "Referer": "is set by the browser", "Sec-": "belongs to the browser",
}

func checkHeaders(headers map[string]string, spec executors.Spec) error {
	return setting.Headers(headers, ownHeaders, func(_, value string) error {
		_, err := template.Check(value, spec.Inputs, spec.Secrets, true)
		return err
	})
}

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (w *Wait) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, w) }

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (v *Viewport) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, v) }

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (s *Step) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, s) }
