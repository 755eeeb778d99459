package extract

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"golang.org/x/net/html/atom"
)

// A page that refuses or tests its visitor is short and says so; a page that has
// content may carry the same scripts and words and is not one. So every sign counts
// only together with a lack of content.
const (
	titleLimit  = 4000 // bytes of text up to which a title is believed
	phraseLimit = 1500 // and a phrase, or the mark of a guard
	widgetLimit = 400  // and a captcha alone, which contact forms have as well
	titleLength = 80
	markSearch  = 256 << 10
)

// Blocked says why the page is not the one that was asked for but one that refuses
// or tests its visitor; empty when it is the page. An error is the context's; the
// page is of no use after it.
func (p *Page) Blocked(ctx context.Context) (string, error) {
	var reason string
	err := p.watch.guard(ctx, func() { reason = p.blocked() })
	if err != nil {
		return "", err
	}
	return reason, nil
}

func (p *Page) blocked() string {
	if p.doc == nil {
		return p.blockedText()
	}
	text := p.layout().visibleText(titleLimit + 1)
	if len(text) > titleLimit || p.sells() {
		return ""
	}
	if phrase := blockTitle(plainWords(p.Title()), len(text) <= phraseLimit); phrase != "" {
		return "the title says \"" + phrase + "\""
	}
	if len(text) > phraseLimit {
		return ""
	}
	guard := p.guard()
	if phrase := blockPhrase(plainWords(text)); phrase != "" {
		return strings.TrimSpace(guard + " page says \"" + phrase + "\"")
	}
	if guard != "" && len(text) <= widgetLimit*2 {
		return guard + " challenge"
	}
	if len(text) <= widgetLimit && p.asksCaptchaOnly() && !p.showsPrice() {
		return "captcha"
	}
	return ""
}

// blockTitle is the phrase of a title that tells of a refusal or a test.
func blockTitle(title string, short bool) string {
	if len(title) > titleLength {
		return ""
	}
	for _, phrase := range blockTitles {
		if strings.Contains(title, phrase) {
			return phrase
		}
	}
	if !short {
		return ""
	}
	for _, part := range strings.FieldsFunc(title, func(r rune) bool { return strings.ContainsRune("|–—:·-", r) }) {
		if part = strings.Trim(part, " .!…"); wholeTitles[part] {
			return part
		}
	}
	return ""
}

// blockedText judges a body that is not HTML.
func (p *Page) blockedText() string {
	if len(p.body) > phraseLimit {
		return ""
	}
	if p.kind == KindText {
		if phrase := blockPhrase(plainWords(string(p.body))); phrase != "" {
			return "the text says \"" + phrase + "\""
		}
	}
	return p.guard()
}

// BlockedText says why a text of somebody who went to a page for us, such as the result
// of an agent, tells that the page refused or tested its visitor; empty when it does not.
// It is for texts that stand where what was asked for should stand: a text that was itself
// asked for may be about such things. A text of more than 1,500 bytes is content.
func BlockedText(text string) string {
	if len(text) > phraseLimit {
		return ""
	}
	lower := plainWords(text)
	if phrase := blockPhrase(lower); phrase != "" {
		return "the text says \"" + phrase + "\""
	}
	for _, phrase := range reportPhrases {
		parts := strings.Split(lower, phrase)
		for _, before := range parts[:len(parts)-1] {
			if !overcome.MatchString(before) {
				return "the text says \"" + phrase + "\""
			}
		}
	}
	return ""
}

// blockPhrase is the phrase of a text, from plainWords, that tells of a refusal or a test.
func blockPhrase(lower string) string {
	for _, phrase := range blockPhrases {
		if strings.Contains(lower, phrase) {
			return phrase
		}
	}
	return ""
}

// plainWords is a text as phrases are written: in lower case, its white space folded and
// its apostrophes straight.
func plainWords(text string) string {
	return foldSpace(strings.ReplaceAll(strings.ToLower(text), "’", "'"))
}

// sells tells whether structured data offers something for a price: what refuses a
// visitor does not.
func (p *Page) sells() bool {
	pr := p.product()
	return pr.main != nil && len(priced(offers(pr.main))) > 0
}

// showsPrice tells whether there is an amount of money where prices stand, as a short
// page of a product has one, and a captcha for its other forms.
func (p *Page) showsPrice() bool {
	return slices.ContainsFunc(p.seenPrices(), func(s seenPrice) bool { return s.score > 0 })
}

func (p *Page) guard() string {
	lower := bytes.ToLower(p.body[:min(len(p.body), markSearch)])
	for _, g := range guards {
		if bytes.Contains(lower, []byte(g.mark)) {
			return g.name
		}
	}
	return ""
}

// asksCaptchaOnly tells whether there is a captcha and nothing to fill in beside it.
func (p *Page) asksCaptchaOnly() bool {
	captcha, fields := false, 0
	for _, f := range p.layout().order {
		for _, w := range f.words {
			captcha = captcha || w == "captcha" || w == "recaptcha" || w == "hcaptcha" || w == "turnstile"
		}
		switch f.node.DataAtom {
		case atom.Textarea, atom.Select:
			fields++
		case atom.Input:
			switch strings.ToLower(attrText(f.node, "type")) {
			case "hidden", "submit", "button", "checkbox":
			case "email", "password", "search", "tel":
				return false // of a form that the captcha guards: no test asks for them
			default:
				fields++
			}
		default:
		}
	}
	return captcha && fields <= 1
}

// visibleText is what a reader sees, up to a limit of bytes.
func (l *layout) visibleText(limit int) string {
	var b strings.Builder
	for _, r := range l.runs {
		if b.Len() > limit {
			break
		}
		if l.traits(r.frame)&traitHidden != 0 {
			continue
		}
		b.WriteString(r.text)
		b.WriteByte(' ')
	}
	return b.String()
}
