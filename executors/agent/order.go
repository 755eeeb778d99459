package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/template"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

// order is what a run is to be created with, but for its reference.
type order struct {
	request runRequest
	goal    string
}

// runRequest is the service's request for a run.
type runRequest struct {
	URL               string          `json:"url"`
	Goal              string          `json:"goal"`
	BrowserProfile    string          `json:"browser_profile,omitempty"`
	ProxyConfig       *proxyConfig    `json:"proxy_config,omitempty"`
	AgentConfig       *agentConfig    `json:"agent_config,omitempty"`
	CaptureConfig     *captureConfig  `json:"capture_config,omitempty"`
	UseVault          bool            `json:"use_vault,omitempty"`
	CredentialItemIDs []string        `json:"credential_item_ids,omitempty"`
	OutputSchema      json.RawMessage `json:"output_schema,omitempty"`
}

type proxyConfig struct {
	Enabled     bool   `json:"enabled"`
	Type        string `json:"type,omitempty"`
	CountryCode string `json:"country_code,omitempty"`
	URL         string `json:"url,omitempty"`
	Username    string `json:"username,omitempty"`
	Password    string `json:"password,omitempty"`
}

type agentConfig struct {
	Mode     string `json:"mode,omitempty"`
	MaxSteps *int   `json:"max_steps,omitempty"`
}

type captureConfig struct {
	Screenshots bool `json:"screenshots"`
}

// order fills the templates with what is in the row.
func (e *Executor) order(s Settings, req executors.Request) (order, error) {
	values := template.Values{SiteURL: req.URL, Inputs: req.Inputs, Secrets: req.Secrets}
	goal, err := filled(s.goal(req.Instruction), values)
	if err != nil {
		return order{}, err
	}
	schema := s.OutputSchema
	if schema == nil {
		schema = schemaOf(req.Fields)
	}
	o := order{goal: goal + wanted(req.Fields, s.OutputSchema == nil), request: runRequest{
		URL: req.URL, BrowserProfile: s.BrowserProfile,
		UseVault: s.UseVault, CredentialItemIDs: s.CredentialItemIDs, OutputSchema: schema,
	}}
	if s.Mode != "" || s.MaxSteps != nil {
		o.request.AgentConfig = &agentConfig{Mode: s.Mode, MaxSteps: s.MaxSteps}
	}
	if s.CaptureScreenshot {
		o.request.CaptureConfig = &captureConfig{Screenshots: true}
	}
	if p := s.Proxy; p != nil {
		config := &proxyConfig{Enabled: p.enabled(), Type: p.Type, CountryCode: p.CountryCode, URL: p.URL}
		if config.Username, err = filled(p.Username, values); err != nil {
			return order{}, err
		}
		if config.Password, err = filled(p.Password, values); err != nil {
			return order{}, err
		}
		o.request.ProxyConfig = config
	}
	return o, nil
}

// body is the request, with the reference in the last line of the goal: the list of runs
// can be searched for parts of goals, and for nothing else that is ours.
func (o order) body(reference string) runRequest {
	request := o.request
	request.Goal = fmt.Sprintf("%s\n\nReference of this task, for bookkeeping only: %s", o.goal, reference)
	return request
}

// secrets are what of the request must not be seen again.
func (o order) secrets() []string {
	if p := o.request.ProxyConfig; p != nil {
		return []string{p.Password}
	}
	return nil
}

// filled expands a template that was checked when the project was written; the row may
// still lack a column.
func filled(text string, values template.Values) (string, error) {
	t, err := template.Parse(text)
	if err != nil {
		return "", failure.Wrap(err, failure.Permanent, CodeInvalidSettings, "a template %v", err)
	}
	expanded, err := t.Expand(values, nil)
	var missing *template.MissingError
	switch {
	case err == nil:
		return expanded, nil
	case errors.As(err, &missing) && missing.Secret:
		return "", failure.Wrap(err, failure.Permanent, CodeMissingSecret, "the project has no secret %q, which its settings refer to", missing.Name)
	case missing != nil:
		return "", failure.Wrap(err, failure.Permanent, CodeMissingColumn, "the row has no column %q, which the goal or the settings refer to", missing.Name)
	default:
		return "", err
	}
}

// wanted describes the fields, which the schema cannot do: it has no descriptions. forms
// says whether the values' forms are ours to describe.
func wanted(fields []field.Field, forms bool) string {
	if len(fields) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("\n\nThe result has these fields; one that the page does not tell is null:")
	for _, f := range fields {
		out.WriteString("\n- " + f.Name)
		if forms {
			out.WriteString(" (" + formOf(f.Type) + ")")
		}
		if f.Description != "" {
			out.WriteString(": " + strings.Join(strings.Fields(f.Description), " "))
		}
	}
	return out.String()
}

func formOf(t field.Type) string {
	switch t {
	case field.TypeNumber:
		return "a number"
	case field.TypeMoney:
		return "money: the amount as a plain decimal such as 1299.00, the currency as an ISO 4217 code"
	case field.TypeBoolean:
		return "true or false"
	case field.TypeDate:
		return "a date as YYYY-MM-DD, or as RFC 3339 when the time of day is known"
	case field.TypeURL:
		return "an absolute URL"
	case field.TypeEnum:
		return "one of the values of the schema"
	case field.TypeList:
		return "a list of texts"
	case field.TypeText:
	}
	return "text"
}
