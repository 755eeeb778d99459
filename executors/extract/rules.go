package extract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	"github.com/invopop/validation"
	"github.com/ohler55/ojg/jp"
	"github.com/ohler55/ojg/oj"
	"golang.org/x/net/html"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// What one rule can select.
const (
	maxListed   = 1000
	maxSelected = 256 << 10 // bytes of one text
	maxRuleText = 1 << 20   // bytes of all texts
)

// ValidateFields checks the rules of a project's fields: that selectors and paths
// can be read. Errors are validation.Errors keyed by the index of the field, then
// "extract" and the member.
func ValidateFields(fields []field.Field) error {
	errs := validation.Errors{}
	for i, f := range fields {
		if f.Extract == nil {
			continue
		}
		if err := validateRule(*f.Extract); err != nil {
			errs[strconv.Itoa(i)] = validation.Errors{"extract": err}
		}
	}
	return errs.Filter()
}

func validateRule(e field.Extract) error {
	errs := validation.Errors{}
	if e.CSS != "" {
		if _, err := cascadia.Compile(e.CSS); err != nil {
			errs["css"] = fmt.Errorf("is not a CSS selector: %w", err)
		}
	}
	if e.JSONPath != "" {
		if _, err := jp.ParseString(e.JSONPath); err != nil {
			errs["jsonpath"] = fmt.Errorf("is not a JSONPath: %w", err)
		}
	}
	if e.Regex != "" {
		if _, err := regexp.Compile(e.Regex); err != nil {
			errs["regex"] = fmt.Errorf("is not a regular expression: %w", err)
		}
	}
	if e.Property != "" && strings.Trim(e.Property, ". ") == "" {
		errs["property"] = errors.New("names no property")
	}
	return errs.Filter()
}

// byRule finds a field by its rule.
func (p *Page) byRule(f field.Field) finding {
	rule := *f.Extract
	var found finding
	switch {
	case rule.Property != "":
		found = p.byProperty(rule.Property, f.Type)
	case rule.CSS != "":
		found = p.byCSS(rule, f.Type)
	case rule.JSONPath != "":
		found = p.byJSONPath(rule.JSONPath, f.Type)
	default:
		return p.byRegex(rule.Regex, f.Type)
	}
	if rule.Regex != "" {
		found = found.matching(p.watch, rule.Regex)
	}
	if f.Type != field.TypeList && len(found.texts) > 1 {
		found.texts = found.texts[:1]
	}
	return found
}

// matching keeps the part of each text that an expression picks.
func (f finding) matching(w *watch, expression string) finding {
	var texts []string
	for _, text := range f.texts {
		w.check()
		texts = append(texts, w.search(expression, text, 1)...)
	}
	f.texts = texts
	f.source += " regex"
	return f
}

// picked is the first group of a match, or all of it when there is no group.
func picked(match []string) string {
	if len(match) > 1 {
		return match[1]
	}
	return match[0]
}

// byRegex looks through the text that readers see, then through the source.
func (p *Page) byRegex(expression string, t field.Type) finding {
	limit := 1
	if t == field.TypeList {
		limit = maxListed
	}
	search := func(text, source string) finding {
		return finding{texts: p.watch.search(expression, text, limit), source: source}
	}
	if root := p.root(); root != nil {
		if found := search(nodeText(root), "regex text"); found.found() {
			return found
		}
	}
	return search(string(p.body), "regex source")
}

func (p *Page) byCSS(rule field.Extract, t field.Type) finding {
	matcher, err := cascadia.Compile(rule.CSS)
	if err != nil || p.doc == nil {
		return finding{}
	}
	found := finding{source: "css " + rule.CSS}
	budget := maxRuleText
	nodes, done := 0, false
	elements(p.watch, p.root(), func(*html.Node) bool { nodes++; return true })
	if !affordable(costlySelector(rule.CSS), nodes) {
		return finding{}
	}
	elements(p.watch, p.root(), func(n *html.Node) bool {
		if done {
			return false
		}
		p.watch.check() // a single element may take a while
		if !matcher.Match(n) {
			return true
		}
		if text := selectedText(n, rule.Attribute, t); strings.TrimSpace(text) != "" {
			found.texts = append(found.texts, text)
			budget -= len(text)
			done = t != field.TypeList || len(found.texts) >= maxListed || budget <= 0
		}
		return !done
	})
	return found
}

// selectedText is what an element that a rule selected stands for.
func selectedText(n *html.Node, attribute string, t field.Type) string {
	if attribute != "" {
		return attrText(n, strings.ToLower(attribute))
	}
	if t == field.TypeURL {
		return elementValue(n).text
	}
	text := someText(n, maxSelected)
	if t == field.TypeMoney || t == field.TypeNumber {
		text = joinedText(n, maxSelected)
	}
	if text == "" {
		return elementValue(n).text
	}
	return text
}

func (p *Page) byJSONPath(path string, t field.Type) finding {
	expression, err := jp.ParseString(path)
	data := p.jsonBody()
	if err != nil || data == nil {
		return finding{}
	}
	if !affordable(costlyPath(path), p.jsonValues) {
		return finding{}
	}
	found := finding{source: "jsonpath " + path, exact: true}
	for _, v := range expression.Get(data) {
		p.watch.step()
		if amount, code, ok := jsonMoney(v); ok && t == field.TypeMoney {
			return finding{texts: []string{amount}, currency: code, source: found.source, exact: true}
		}
		found.texts = append(found.texts, jsonTexts(v)...)
		if len(found.texts) >= maxListed {
			break
		}
	}
	return found
}

// jsonBody is the body as JSON; nil when it is none.
func (p *Page) jsonBody() any {
	if p.kind != KindJSON && p.kind != KindText {
		return nil
	}
	if !p.jsonRead {
		p.jsonRead = true
		var depth int
		if depth, p.jsonValues = jsonShape(p.watch, p.body); depth <= maxJSONBodyDepth {
			p.json, _ = oj.Load(p.watch.reader(bytes.NewReader(p.body)))
			p.watch.check()
		}
	}
	return p.json
}

// jsonMoney reads an amount that stands beside its currency in an object, as most APIs
// give money.
func jsonMoney(v any) (amount, code string, ok bool) {
	object, isObject := v.(map[string]any)
	if !isObject {
		return "", "", false
	}
	value := ""
	for key, member := range object {
		texts := jsonTexts(member)
		if len(texts) != 1 {
			continue
		}
		switch key = idKey(key); {
		case currencyKeys[key]:
			code = parse.CurrencyCode(texts[0])
		case key == "amount":
			amount = texts[0]
		case key == "value":
			value = texts[0]
		}
	}
	amount = cmp.Or(amount, value)
	return amount, code, machineNumber.MatchString(amount) && code != ""
}

// jsonTexts is the text of a JSON value: one for a scalar, one per member for a list
// of scalars, the JSON itself for anything else.
func jsonTexts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case int64:
		return []string{strconv.FormatInt(v, 10)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case json.Number:
		return []string{v.String()}
	case []any:
		var out []string
		for _, each := range v {
			out = append(out, jsonTexts(each)...)
		}
		return out
	default:
		return []string{oj.JSON(v)}
	}
}
