package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors/setting"
	"github.com/minohq/mino/executors/template"
)

// Settings are a project's settings for this executor. All have defaults.
type Settings struct {
	// BaseURL is the service, an absolute http or https URL; by default the operator's.
	// A project that names one needs the secret api_key.
	BaseURL string `json:"base_url,omitempty"`
	// BrowserProfile is lite or stealth; by default the service's choice.
	BrowserProfile string `json:"browser_profile,omitempty"`
	// Proxy is what the browser goes through.
	Proxy *Proxy `json:"proxy,omitempty"`
	// Mode is default or strict.
	Mode string `json:"mode,omitempty"`
	// MaxSteps bounds a run: 1–500; by default the service's bound.
	MaxSteps *int `json:"max_steps,omitempty"`
	// PricePerStepMicros is what a step of a COMPLETED run costs, in millionths of
	// Currency: 0–1,000,000,000; by default the operator's figure.
	PricePerStepMicros *int64 `json:"price_per_step_micros,omitempty"`
	// Currency is an ISO 4217 code; by default the operator's.
	Currency string `json:"currency,omitempty"`
	// Goal is a template; by default the project's instruction is the goal.
	Goal *string `json:"goal,omitempty"`
	// CaptureScreenshot keeps the picture of the last step.
	CaptureScreenshot bool `json:"capture_screenshot,omitempty"`
	// UseVault lets the agent use the credentials that lie in the service's vault.
	UseVault bool `json:"use_vault,omitempty"`
	// CredentialItemIDs are those it may use, at most 50; needs UseVault.
	CredentialItemIDs []string `json:"credential_item_ids,omitempty"`
	// OutputSchema is given to the service as it is; by default one of the fields.
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
}

// Proxy is a proxy of the service's, or one's own.
type Proxy struct {
	// Enabled is true by default.
	Enabled *bool `json:"enabled,omitempty"`
	// Type is tetra, the service's own, or custom.
	Type string `json:"type,omitempty"`
	// CountryCode is where it stands: US, GB, CA, DE, FR, JP or AU.
	CountryCode string `json:"country_code,omitempty"`
	// URL, Username and Password are those of a custom proxy. The latter two are
	// templates, which may refer to secrets.
	URL      string `json:"url,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

var _ json.Unmarshaler = (*Proxy)(nil)

func (p *Proxy) enabled() bool { return p.Enabled == nil || *p.Enabled }

const (
	maxMaxSteps      = 500
	maxPrice         = 1_000_000_000
	maxCredentials   = 50
	maxCredentialLen = 200
	maxProxyText     = 1000
	proxyCustom      = "custom"
)

// goal is the template of what the agent is told to do.
func (s Settings) goal(instruction string) string {
	if s.Goal != nil {
		return *s.Goal
	}
	return instruction
}

// parseSettings reads and checks settings. Errors are validation.Errors keyed by setting.
func parseSettings(raw json.RawMessage) (Settings, error) {
	var s Settings
	if err := setting.Decode(raw, &s); err != nil {
		return s, err
	}
	if setting.Absent(s.OutputSchema) {
		s.OutputSchema = nil
	}
	return s, validation.ValidateStruct(&s,
		validation.Field(&s.BaseURL, validation.By(baseURL)),
		validation.Field(&s.BrowserProfile, setting.OneOf("lite", "stealth")),
		validation.Field(&s.Proxy),
		validation.Field(&s.Mode, setting.OneOf("default", "strict")),
		validation.Field(&s.MaxSteps, setting.Between(1, maxMaxSteps)),
		validation.Field(&s.PricePerStepMicros, setting.Between(0, maxPrice)),
		validation.Field(&s.Currency, validation.Match(currencyCode).Error("must be an ISO 4217 code")),
		validation.Field(&s.Goal, validation.By(func(any) error { return s.checkGoal() })),
		validation.Field(&s.CredentialItemIDs, validation.By(func(any) error { return s.checkCredentials() })),
		validation.Field(&s.OutputSchema, validation.By(func(any) error { return checkSchema(s.OutputSchema) })),
	)
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// Validate implements validation.Validatable.
func (p *Proxy) Validate() error {
	custom := p.Type == proxyCustom
	notOurs := func(needed bool) []validation.Rule {
		return []validation.Rule{
			validation.When(custom && needed, validation.Required.Error("is needed by a custom proxy")),
			validation.When(!custom, validation.Empty.Error(`needs the type "custom"`)),
			validation.Length(0, maxProxyText),
		}
	}
	return validation.ValidateStruct(p,
		validation.Field(&p.Type, setting.OneOf("tetra", proxyCustom)),
		validation.Field(&p.CountryCode, setting.OneOf("US", "GB", "CA", "DE", "FR", "JP", "AU")),
		validation.Field(&p.URL, append(notOurs(true), validation.By(proxyURL))...),
		validation.Field(&p.Username, append(notOurs(false), validation.By(isTemplate))...),
		validation.Field(&p.Password, append(notOurs(false), validation.By(isTemplate))...),
	)
}

func (s Settings) checkGoal() error {
	if s.Goal == nil {
		return nil
	}
	if strings.TrimSpace(*s.Goal) == "" {
		return errors.New("must not be blank")
	}
	return isTemplate(*s.Goal)
}

func isTemplate(v any) error {
	text, _ := v.(string)
	_, err := template.Parse(text)
	return err
}

func (s Settings) checkCredentials() error {
	switch {
	case len(s.CredentialItemIDs) > 0 && !s.UseVault:
		return errors.New("needs use_vault")
	case len(s.CredentialItemIDs) > maxCredentials:
		return fmt.Errorf("at most %d ids", maxCredentials)
	}
	for _, id := range s.CredentialItemIDs {
		if strings.TrimSpace(id) == "" || len(id) > maxCredentialLen {
			return fmt.Errorf("an id must have 1 to %d characters", maxCredentialLen)
		}
	}
	return nil
}

func baseURL(v any) error {
	text, _ := v.(string)
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.User != nil || strings.ContainsAny(text, "?#") {
		return errors.New("must be an absolute http or https URL without user, query and fragment")
	}
	return nil
}

func proxyURL(v any) error {
	text, _ := v.(string)
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") {
		return errors.New("must be an absolute http, https or socks5 URL")
	}
	if u.User != nil {
		return errors.New("must not hold a user: there are username and password for that")
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler; it names the member that is wrong.
func (p *Proxy) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, p) }
