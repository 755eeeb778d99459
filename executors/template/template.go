// Package template is the little language in which projects refer to what is in a row:
// "{{column}}" for an input column, "{{site_url}}" for the row's site, and
// "{{secret.name}}" for a secret of the project where secrets are allowed.
//
// A template is parsed when the project is written and expanded for every job. There are
// no expressions, so that a template cannot fail for a row that has its columns; how a
// value is escaped is the business of whoever expands it, who knows where it goes.
//
// Failure: Parse names the place of what it cannot read. Expand returns a *MissingError
// for a column that the row does not have.
package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SiteURL is the name under which the row's site_url is referred to.
const SiteURL = "site_url"

// secretPrefix begins the name of a secret.
const secretPrefix = "secret."

// Template is text with references.
type Template struct {
	parts []part
}

// part is text, or a reference when name is set.
type part struct {
	text   string
	name   string
	secret bool
}

// Values are what references are replaced with.
type Values struct {
	SiteURL string
	Inputs  map[string]string
	Secrets map[string]string
}

// MissingError is a reference to what is not there.
type MissingError struct {
	// Name is the column or the secret.
	Name   string
	Secret bool
}

// Error implements error.
func (e *MissingError) Error() string {
	if e.Secret {
		return fmt.Sprintf("there is no secret %q", e.Name)
	}
	return fmt.Sprintf("there is no column %q", e.Name)
}

// Parse reads a template. A "{{" that is to stand for itself is written "{{{{".
func Parse(text string) (Template, error) {
	var t Template
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{{")
		t.parts = withText(t.parts, before)
		if !found {
			return t, nil
		}
		if literal, ok := strings.CutPrefix(after, "{{"); ok {
			t.parts = withText(t.parts, "{{")
			rest = literal
			continue
		}
		at := len(text) - len(after) - len("{{")
		name, behind, closed := strings.Cut(after, "}}")
		name = strings.TrimSpace(name)
		switch {
		case !closed:
			return Template{}, fmt.Errorf("has {{ without }} at byte %d", at)
		case name == "" || strings.Contains(name, "{{") || strings.ContainsAny(name, "\r\n\x00"):
			return Template{}, fmt.Errorf("has {{ without the name of a column at byte %d", at)
		}
		secret, isSecret := strings.CutPrefix(name, secretPrefix)
		if isSecret {
			name = secret
		}
		t.parts = append(t.parts, part{name: name, secret: isSecret})
		rest = behind
	}
}

func withText(parts []part, text string) []part {
	if text == "" {
		return parts
	}
	return append(parts, part{text: text})
}

// Columns lists the input columns that are referred to, each once, in order.
func (t Template) Columns() []string { return t.names(false) }

// Secrets lists the secrets that are referred to, each once, in order.
func (t Template) Secrets() []string { return t.names(true) }

func (t Template) names(secret bool) []string {
	var names []string
	for _, p := range t.parts {
		if p.name == "" || p.secret != secret || (!secret && p.name == SiteURL) || slices.Contains(names, p.name) {
			continue
		}
		names = append(names, p.name)
	}
	return names
}

// StartsWithSite reports whether the row's site_url is what the template begins with.
func (t Template) StartsWithSite() bool {
	return len(t.parts) > 0 && !t.parts[0].secret && t.parts[0].name == SiteURL
}

// Expand replaces references by their values, each of which goes through escape, unless
// that is nil.
func (t Template) Expand(v Values, escape func(string) string) (string, error) {
	if escape == nil {
		return t.ExpandAt(v, func(_, value string) string { return value })
	}
	return t.ExpandAt(v, func(_, value string) string { return escape(value) })
}

// ExpandAt is Expand for places where it depends on what stands before a value how it is
// escaped, as in a URL: escape is given all that has been expanded before it.
func (t Template) ExpandAt(v Values, escape func(before, value string) string) (string, error) {
	var out strings.Builder
	for _, p := range t.parts {
		if p.name == "" {
			out.WriteString(p.text)
			continue
		}
		value, ok := v.get(p)
		if !ok {
			return "", &MissingError{Name: p.name, Secret: p.secret}
		}
		out.WriteString(escape(out.String(), value))
	}
	return out.String(), nil
}

func (v Values) get(p part) (value string, ok bool) {
	if p.secret {
		value, ok = v.Secrets[p.name]
		return value, ok
	}
	// A column of that name comes first: it is what the row says.
	if value, ok = v.Inputs[p.name]; !ok && p.name == SiteURL {
		return v.SiteURL, true
	}
	return value, ok
}

// Check parses a template and checks what it refers to: columns against those that the
// project declares, unless that is nil, and secrets against those that it has. allowed
// says whether secrets may be referred to at all. The error is one for people.
func Check(text string, columns, secrets []string, allowed bool) (Template, error) {
	t, err := Parse(text)
	if err != nil {
		return t, err
	}
	var wrong []error
	for _, name := range t.Columns() {
		if columns != nil && !slices.Contains(columns, name) {
			wrong = append(wrong, fmt.Errorf("refers to the column %q, which is not among the project's inputs", name))
		}
	}
	for _, name := range t.Secrets() {
		switch {
		case !allowed:
			wrong = append(wrong, fmt.Errorf("refers to the secret %q, and secrets do not belong here", name))
		case !slices.Contains(secrets, name):
			wrong = append(wrong, fmt.Errorf("refers to the secret %q, which the project does not have", name))
		}
	}
	return t, errors.Join(wrong...)
}
