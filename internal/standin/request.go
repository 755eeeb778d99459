package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// createRequest is the body of a create. Members that are not here are let be, as the
// API lets be what it does not know.
type createRequest struct {
	URL            string          `json:"url"`
	Goal           string          `json:"goal"`
	BrowserProfile *string         `json:"browser_profile"`
	ProxyConfig    *proxyConfig    `json:"proxy_config"`
	AgentConfig    *agentConfig    `json:"agent_config"`
	CaptureConfig  *captureConfig  `json:"capture_config"`
	WebhookURL     *string         `json:"webhook_url"`
	UseVault       *bool           `json:"use_vault"`
	CredentialIDs  []string        `json:"credential_item_ids"`
	OutputSchema   json.RawMessage `json:"output_schema"`
}

type proxyConfig struct {
	Enabled     *bool   `json:"enabled"`
	Type        *string `json:"type"`
	CountryCode *string `json:"country_code"`
	URL         *string `json:"url"`
	Username    *string `json:"username"`
	Password    *string `json:"password"`
}

type agentConfig struct {
	Mode     *string `json:"mode"`
	MaxSteps *int    `json:"max_steps"`
}

type captureConfig struct {
	Elements    *bool `json:"elements"`
	Snapshots   *bool `json:"snapshots"`
	Screenshots *bool `json:"screenshots"`
	Recording   *bool `json:"recording"`
}

// Values that members of a request can have.
var (
	profiles   = []string{"lite", "stealth"}
	proxyTypes = []string{"tetra", "custom"}
	countries  = []string{"US", "GB", "CA", "DE", "FR", "JP", "AU"}
	modes      = []string{"default", "strict"}
)

const mostMaxSteps = 500

// parseCreate reads and checks a create; the schema is that of a batch, for runs that
// have none of their own.
func parseCreate(text, schema json.RawMessage) (Request, []detail) {
	var in createRequest
	if err := json.Unmarshal(text, &in); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) && wrongType.Field != "" {
			return Request{}, []detail{{wrongType.Field, "must not be a " + wrongType.Value}}
		}
		return Request{}, []detail{{"body", "must be a JSON object"}}
	}
	if len(in.OutputSchema) == 0 || string(in.OutputSchema) == "null" {
		in.OutputSchema = schema
	}
	if string(in.OutputSchema) == "null" {
		in.OutputSchema = nil
	}
	req := Request{URL: in.URL, Goal: in.Goal, OutputSchema: in.OutputSchema, Body: text, maxSteps: defaultMaxSteps}
	if in.AgentConfig != nil && in.AgentConfig.MaxSteps != nil {
		req.maxSteps = *in.AgentConfig.MaxSteps
	}
	if p := in.ProxyConfig; p != nil && p.Enabled != nil && *p.Enabled {
		req.proxyEnabled = true
		if p.CountryCode != nil {
			req.proxyCountry = *p.CountryCode
		}
	}
	return req, in.check()
}

func (in createRequest) check() []detail {
	var wrong []detail
	add := func(bad bool, path, message string) {
		if bad {
			wrong = append(wrong, detail{path, message})
		}
	}
	oneOf := func(value *string, path string, allowed []string) {
		add(value != nil && !slices.Contains(allowed, deref(value)), path, "must be one of "+strings.Join(allowed, ", "))
	}
	add(!isWeb(in.URL, "http", "https"), "url", "is required and must be an http or https URL")
	add(strings.TrimSpace(in.Goal) == "", "goal", "is required")
	oneOf(in.BrowserProfile, "browser_profile", profiles)
	if p := in.ProxyConfig; p != nil {
		add(p.Enabled == nil, "proxy_config.enabled", "is required")
		oneOf(p.Type, "proxy_config.type", proxyTypes)
		oneOf(p.CountryCode, "proxy_config.country_code", countries)
		add(deref(p.Type) == "custom" && deref(p.URL) == "", "proxy_config.url", "is required for a custom proxy")
	}
	if a := in.AgentConfig; a != nil {
		oneOf(a.Mode, "agent_config.mode", modes)
		add(a.MaxSteps != nil && (*a.MaxSteps < 1 || *a.MaxSteps > mostMaxSteps),
			"agent_config.max_steps", fmt.Sprintf("must be 1 to %d", mostMaxSteps))
	}
	add(in.WebhookURL != nil && !isWeb(deref(in.WebhookURL), "https"), "webhook_url", "must be an https URL")
	if len(in.OutputSchema) > 0 {
		if err := checkSchema(in.OutputSchema); err != nil {
			add(true, "output_schema", err.Error())
		}
	}
	return wrong
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func isWeb(address string, schemes ...string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme)
}
