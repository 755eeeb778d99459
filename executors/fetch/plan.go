package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/setting"
	"github.com/minohq/mino/executors/template"
)

// plan is settings whose templates have been read.
type plan struct {
	Settings
	url            template.Template
	query, headers map[string]template.Template
	form           map[string]template.Template
	text           template.Template
	json           []piece
}

// piece is a part of a JSON text: as it stands, or a string to be expanded.
type piece struct {
	text   string
	string *template.Template
}

// reader reads a template; secrets says whether it may refer to them.
type reader func(text string, secrets bool) (template.Template, error)

// checked reads templates of a project that is being written.
func checked(spec executors.Spec) reader {
	return func(text string, secrets bool) (template.Template, error) {
		return template.Check(text, spec.Inputs, spec.Secrets, secrets)
	}
}

// unchecked reads templates of a project that has been written: a column that a row does
// not have is told when it is missed.
func unchecked(text string, _ bool) (template.Template, error) { return template.Parse(text) }

// compile reads the templates. Errors are keyed by setting.
func (p *plan) compile(read reader) validation.Errors {
	errs := validation.Errors{}
	p.url, errs["url"] = readURL(p.URL, read)
	p.query, errs["query"] = readPairs(p.Query, maxPairs, maxURL, read)
	own := ownHeaders
	if p.Body != nil {
		own = maps.Clone(own)
		own["Content-Type"] = "is the setting body.content_type"
	}
	p.headers, errs["headers"] = readHeaders(p.Headers, own, read)
	if p.Body != nil {
		errs["body"] = p.compileBody(*p.Body, read)
	}
	return errs
}

func readURL(text string, read reader) (template.Template, error) {
	if text == "" {
		text = "{{" + template.SiteURL + "}}"
	}
	if len(text) > maxURL {
		return template.Template{}, fmt.Errorf("must be at most %d bytes", maxURL)
	}
	t, err := read(text, false)
	if err != nil || t.StartsWithSite() {
		return t, err
	}
	// A digit may stand everywhere in a URL, even for a port.
	sample := template.Values{SiteURL: "1", Inputs: map[string]string{}}
	for _, name := range t.Columns() {
		sample.Inputs[name] = "1"
	}
	address, err := t.Expand(sample, nil)
	if err == nil {
		_, err = parseAddress(address)
	}
	if err != nil {
		return t, errors.New("must be an absolute http or https URL, or begin with {{site_url}}")
	}
	return t, nil
}

func readPairs(pairs map[string]string, most, size int, read reader) (map[string]template.Template, error) {
	if len(pairs) > most {
		return nil, fmt.Errorf("at most %d names", most)
	}
	errs := validation.Errors{}
	out := make(map[string]template.Template, len(pairs))
	for name, text := range pairs {
		if len(name)+len(text) > size {
			errs[name] = fmt.Errorf("must be at most %d bytes", size)
			continue
		}
		out[name], errs[name] = read(text, true)
	}
	return out, errs.Filter()
}

// ownHeaders are set by the executor.
var ownHeaders = map[string]string{
	"Host": "is taken from the URL", "Content-Length": "is set by the executor", "Accept-Encoding": "is set by the executor",
	"User-Agent": "is the setting user_agent", "Accept-Language": "is the setting accept_language",
}

func readHeaders(headers, own map[string]string, read reader) (map[string]template.Template, error) {
	out := make(map[string]template.Template, len(headers))
	return out, setting.Headers(headers, own, func(name, value string) (err error) {
		out[name], err = read(value, true)
		return err
	})
}

func (p *plan) compileBody(b Body, read reader) error {
	kinds := 0
	for _, there := range []bool{b.hasJSON(), b.Form != nil, b.Text != nil} {
		if there {
			kinds++
		}
	}
	if kinds != 1 {
		return errors.New("must have one of json, form and text")
	}
	errs := validation.Errors{"content_type": setting.HeaderValue(b.ContentType)}
	switch {
	case b.Form != nil:
		p.form, errs["form"] = readPairs(b.Form, maxPairs, maxBodyTemplate, read)
		if b.ContentType != nil {
			errs["content_type"] = errors.New("is that of a form")
		}
	case b.Text != nil && len(*b.Text) > maxBodyTemplate:
		errs["text"] = fmt.Errorf("must be at most %d bytes", maxBodyTemplate)
	case b.Text != nil:
		p.text, errs["text"] = read(*b.Text, true)
	case len(b.JSON) > maxBodyTemplate:
		errs["json"] = fmt.Errorf("must be at most %d bytes", maxBodyTemplate)
	default:
		p.json, errs["json"] = readJSON(b.JSON, read)
	}
	return errs.Filter()
}

func (b Body) hasJSON() bool { return !setting.Absent(b.JSON) }

// readJSON cuts a valid JSON text into its strings that refer to something and the rest,
// which is sent as it was written, to the last digit and in the order of its members.
func readJSON(raw []byte, read reader) ([]piece, error) {
	var pieces []piece
	done := 0
	for at := 0; at < len(raw); at++ {
		if raw[at] != '"' {
			continue
		}
		from := at
		for at++; raw[at] != '"'; at++ {
			if raw[at] == '\\' {
				at++
			}
		}
		if bytes.HasPrefix(bytes.TrimLeft(raw[at+1:], " \t\r\n"), []byte(":")) {
			continue // a key
		}
		var text string
		if err := json.Unmarshal(raw[from:at+1], &text); err != nil {
			return nil, fmt.Errorf("has a string that cannot be read: %w", err)
		}
		if !strings.Contains(text, "{{") {
			continue
		}
		t, err := read(text, true)
		if err != nil {
			return nil, fmt.Errorf("%q %w", shortened(text), err)
		}
		pieces = append(pieces, piece{text: string(raw[done:from])}, piece{string: &t})
		done = at + 1
	}
	return append(pieces, piece{text: string(raw[done:])}), nil
}

func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// needs are the columns and secrets that the templates refer to, each once, in order.
func (p *plan) needs() executors.Needs {
	all := []template.Template{p.url, p.text}
	for _, pairs := range []map[string]template.Template{p.query, p.headers, p.form} {
		all = slices.AppendSeq(all, maps.Values(pairs))
	}
	for _, part := range p.json {
		if part.string != nil {
			all = append(all, *part.string)
		}
	}
	var out executors.Needs
	for _, t := range all {
		out.Columns = append(out.Columns, t.Columns()...)
		out.Secrets = append(out.Secrets, t.Secrets()...)
	}
	slices.Sort(out.Columns)
	slices.Sort(out.Secrets)
	return executors.Needs{Columns: slices.Compact(out.Columns), Secrets: slices.Compact(out.Secrets)}
}
