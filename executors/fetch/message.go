package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/setting"
	"github.com/minohq/mino/executors/template"
	"github.com/minohq/mino/models/failure"
)

// message is what the settings make of a row: what is sent.
type message struct {
	method      string
	address     *url.URL
	headers     map[string]string
	body        []byte
	contentType string
	hidden      hidden
}

// message expands the templates for a request. Errors are *failure.Error.
func (p *plan) message(req executors.Request) (*message, error) {
	values := template.Values{SiteURL: req.URL, Inputs: req.Inputs, Secrets: req.Secrets}
	m := &message{method: p.Method, headers: make(map[string]string, len(p.headers)), hidden: p.hide(req.Secrets)}
	var err error
	if m.address, err = p.address(values); err != nil {
		return nil, err
	}
	for name, t := range p.headers {
		value, err := expand(t, values, setting.MaxHeaderBytes, "the header "+name, asItIs)
		if err != nil {
			return nil, err
		}
		if !setting.IsHeaderValue(value) {
			return nil, failure.New(failure.Permanent, CodeInvalidHeader, "the header %s would hold what no header can", name)
		}
		m.headers[name] = value
	}
	if m.method == "" {
		m.method = http.MethodGet
	}
	if p.Body == nil {
		return m, nil
	}
	m.method = http.MethodPost
	m.body, m.contentType, err = p.body(values)
	return m, err
}

// address is where the request goes.
func (p *plan) address(v template.Values) (*url.URL, error) {
	astray := false
	text, err := expand(p.url, v, maxURL, theURL, func(before, value string) string {
		if before == "" && p.url.StartsWithSite() {
			return value
		}
		escaped, stays := escapeInURL(before, value)
		astray = astray || !stays
		return escaped
	})
	if err != nil {
		return nil, err
	}
	address, err := parseAddress(text)
	if err != nil {
		return nil, err
	}
	if astray {
		return nil, failure.New(failure.Permanent, CodeInvalidURL, "a value of the row would lead out of its place in the URL")
	}
	if len(p.query) == 0 {
		return address, nil
	}
	added, err := pairs(p.query, v, maxURL, theURL)
	if err != nil {
		return nil, err
	}
	if address.RawQuery != "" {
		added = address.RawQuery + "&" + added
	}
	address.RawQuery = added
	return address, nil
}

const theURL = "the URL"

// escapeInURL escapes a value for the part of a URL in which it stands. It does not stay
// in its place when it is a path's word for "here" or "above".
func escapeInURL(before, value string) (escaped string, stays bool) {
	_, rest, _ := strings.Cut(before, "://")
	switch at := strings.IndexAny(rest, "/?#"); {
	case at < 0:
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20"), true // of a host: no name has any of these
	case strings.Contains(rest, "#"), rest[at] == '/' && !strings.Contains(rest, "?"):
		return url.PathEscape(value), value == "" || strings.Trim(value, ".") != ""
	default:
		return url.QueryEscape(value), true
	}
}

// body is what a POST sends, and of what type it is.
func (p *plan) body(v template.Values) (body []byte, contentType string, err error) {
	const what = "the body"
	var out string
	switch {
	case p.Body.Form != nil:
		contentType = "application/x-www-form-urlencoded"
		out, err = pairs(p.form, v, maxRequestBody, what)
	case p.Body.Text != nil:
		contentType = "text/plain; charset=utf-8"
		out, err = expand(p.text, v, maxRequestBody, what, asItIs)
	default:
		contentType = "application/json"
		out, err = expandJSON(p.json, v, what)
	}
	if p.Body.ContentType != nil {
		contentType = *p.Body.ContentType
	}
	return []byte(out), contentType, err
}

func expandJSON(pieces []piece, v template.Values, what string) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, part := range pieces {
		if part.string == nil {
			out.WriteString(part.text)
			continue
		}
		text, err := expand(*part.string, v, maxRequestBody, what, asItIs)
		if err != nil {
			return "", err
		}
		if err := encoder.Encode(text); err != nil {
			return "", err
		}
		out.Truncate(out.Len() - 1) // its newline
		if out.Len() > maxRequestBody {
			return "", tooLong(what, maxRequestBody)
		}
	}
	return out.String(), nil
}

// pairs are names and values, URL-encoded, in the order of the names.
func pairs(templates map[string]template.Template, v template.Values, limit int, what string) (string, error) {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		value, err := expand(templates[name], v, limit, what, asItIs)
		if err != nil {
			return "", err
		}
		if out.Len() > 0 {
			out.WriteByte('&')
		}
		out.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(value))
		if out.Len() > limit {
			return "", tooLong(what, limit)
		}
	}
	return out.String(), nil
}

func asItIs(_, value string) string { return value }

// expand expands a template up to a limit of bytes. Beyond it nothing is built: a long
// value that is referred to often would fill the memory.
func expand(t template.Template, v template.Values, limit int, what string, escape func(before, value string) string) (string, error) {
	over := false
	out, err := t.ExpandAt(v, func(before, value string) string {
		if over = over || len(before)+len(value) > limit; over {
			return ""
		}
		return escape(before, value)
	})
	var missing *template.MissingError
	switch {
	case errors.As(err, &missing) && missing.Secret:
		return "", failure.Wrap(err, failure.Permanent, CodeMissingSecret, "%v", err)
	case err != nil:
		return "", failure.Wrap(err, failure.Permanent, CodeMissingColumn, "%v", err)
	case over || len(out) > limit:
		return "", tooLong(what, limit)
	}
	return out, nil
}

func tooLong(what string, limit int) error {
	return failure.New(failure.Permanent, CodeRequestTooLarge, "%s would be longer than %d bytes", what, limit)
}
