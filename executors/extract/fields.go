package extract

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// Result is what was found on a page.
type Result struct {
	// Values are in the canonical JSON form of their field's type. A value that does
	// not parse as its type is there as found, a string. A field that was not found
	// has no key.
	Values map[string]any
	// Sources say per field where its value was found, such as "json-ld offers.price".
	Sources map[string]string
}

// finding is what a reader or a rule found for one field.
type finding struct {
	texts  []string // several only for lists
	source string
	// exact tells that numbers in the text have a decimal point and no grouping, as
	// programs write them.
	exact bool
	// currency goes with an amount of money whose text does not name it.
	currency string
}

func (f finding) found() bool { return len(f.texts) > 0 }

func one(text, source string) finding {
	if parse.Text(text) == "" {
		return finding{}
	}
	return finding{texts: []string{text}, source: source}
}

// Fields finds every field: by its rule, else by its name or type.
// An error is the context's; the page is of no use after it.
func (p *Page) Fields(ctx context.Context, fields []field.Field) (Result, error) {
	var r Result
	if err := p.watch.guard(ctx, func() { r = p.fields(fields) }); err != nil {
		return Result{}, err
	}
	return r, nil
}

func (p *Page) fields(fields []field.Field) Result {
	r := Result{Values: make(map[string]any, len(fields)), Sources: make(map[string]string, len(fields))}
	for _, f := range fields {
		p.watch.check()
		var found finding
		if f.Extract != nil {
			found = p.byRule(f)
		} else {
			found = p.byName(f, fields)
		}
		if !found.found() {
			continue
		}
		if value, ok := found.as(f, p.base); ok {
			r.Values[f.Name] = value
			r.Sources[f.Name] = found.source
		}
	}
	return r
}

// as gives the finding as a value of the field's type.
func (f finding) as(fd field.Field, base *url.URL) (any, bool) {
	if fd.Type == field.TypeList {
		return f.list()
	}
	text := firstBytes(f.texts[0], maxRuleText)
	if fd.Type != field.TypeText {
		text = firstBytes(text, maxParsed)
	}
	text = parse.Text(text)
	if text == "" {
		return nil, false
	}
	if value, ok := f.number(fd, text); ok {
		return value, true
	}
	value, err := parse.Value(fd, text, base)
	if err != nil {
		return text, true
	}
	if m, ok := value.(parse.Money); ok && f.currency != "" {
		m.Currency = f.currency
		return m, true
	}
	return value, true
}

// number reads numbers and amounts in the notation of programs.
func (f finding) number(fd field.Field, text string) (any, bool) {
	if !f.exact || !machineNumber.MatchString(text) {
		return nil, false
	}
	var written any
	switch fd.Type {
	case field.TypeNumber:
		written = json.Number(text)
	case field.TypeMoney:
		written = parse.Money{Amount: text, Currency: f.currency}
	default:
		return nil, false
	}
	value, err := parse.Canonical(fd, written)
	return value, err == nil
}

func (f finding) list() (any, bool) {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if s != "" && !seen[s] && len(out) < maxListed {
			seen[s] = true
			out = append(out, s)
		}
	}
	if len(f.texts) == 1 {
		for _, s := range parse.List(firstBytes(f.texts[0], maxRuleText)) {
			add(s)
		}
	} else {
		for _, s := range f.texts {
			add(parse.Text(s))
		}
	}
	return out, len(out) > 0
}
