package extract

import (
	"bytes"
	"context"
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

// blockTitles are parts of titles that only pages have which refuse or test a visitor.
var blockTitles = []string{
	"access denied", "access to this page has been denied", "attention required! | cloudflare", "are you a robot",
	"robot check", "are you human", "are you a human", "pardon our interruption", "bot verification",
	"bot check", "human verification", "you have been blocked", "checking your browser", "please wait... | cloudflare", "ddos-guard",
	"ddos protection", "403 forbidden", "error 403", "403 - ", "too many requests", "unusual traffic", "verify you are human",
	"verifying you are human", "request rejected", "request unsuccessful", "the request could not be satisfied",
	"web application firewall", "sucuri website firewall", "zugriff verweigert", "accès refusé", "accès interdit",
	"acceso denegado", "accesso negato", "acesso negado", "toegang geweigerd", "odmowa dostępu", "доступ запрещен",
	"доступ ограничен", "вы не робот", "访问被拒绝", "安全验证", "人机验证", "アクセスが拒否", "접근이 거부",
}

// wholeTitles could be the names of things, too: they count when the title, or a part
// of it between separators, is nothing else, and only on a short page.
var wholeTitles = wordSet("just a moment", "attention required", "security check", "security verification", "captcha", "recaptcha",
	"request blocked", "blocked", "forbidden", "sicherheitsüberprüfung", "one more step")

// blockPhrases stand in the text of such pages.
var blockPhrases = []string{
	"access denied", "access to this page has been denied", "are you a robot", "not a robot", "you are not a bot", "you're not a bot",
	"verify you are human", "verify that you are human", "verify you're human", "verifying you are human", "confirm you are human",
	"confirm that you are human", "prove you are human", "prove that you are human", "you are a human", "are you human",
	"enter the characters you see", "complete the captcha", "solve the captcha", "solve this captcha", "captcha below",
	"complete the security check", "checking your browser", "checking if the site connection is secure",
	"needs to review the security of your connection", "unusual traffic", "unusual activity", "automated access",
	"automated requests", "automated queries", "you have been blocked", "your access has been blocked", "has been blocked",
	"your ip has been", "press & hold", "press and hold", "pardon our interruption", "incident id", "you don't have permission to access",
	"enable javascript and cookies to continue", "request blocked", "the requested url was rejected", "slide to verify",
	"we have detected", "made us think that you are a bot", "think you might be a bot", "too many requests", "rate limit exceeded",
	"sie sind kein roboter", "kein roboter", "dass sie ein mensch", "zugriff verweigert", "vous n'êtes pas un robot", "pas un robot",
	"accès refusé", "no eres un robot", "no soy un robot", "acceso denegado", "non sei un robot", "non sono un robot",
	"accesso negato", "não é um robô", "não sou um robô", "acesso negado", "geen robot", "nie jesteś robotem",
	"вы не робот", "не робот", "доступ запрещен", "доступ ограничен", "请完成验证", "人机验证", "安全验证", "验证码", "ロボットではない", "로봇이 아닙니다",
}

// guards are marks that the pages of known bot guards carry, and no others.
var guards = []struct{ mark, name string }{
	{"_cf_chl_opt", "Cloudflare"}, {"cf-challenge-running", "Cloudflare"}, {"cf-error-details", "Cloudflare"},
	{"cf-turnstile", "Cloudflare"}, {"px-captcha", "PerimeterX"}, {"captcha-delivery.com", "DataDome"},
	{"_incapsula_resource", "Incapsula"}, {"incapsula incident id", "Incapsula"}, {"errors.edgesuite.net", "Akamai"},
	{"sec-if-cpt-container", "Akamai"}, {"awswafintegration", "AWS WAF"}, {"awswafcookiedomainlist", "AWS WAF"}, {"kpsdk", "Kasada"},
	{"distilcaptchaform", "Distil"}, {"sucuri website firewall", "Sucuri"}, {"/captcha/challenge", "captcha"},
}

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
	if phrase := blockTitle(strings.ToLower(p.Title()), len(text) <= phraseLimit); phrase != "" {
		return "the title says \"" + phrase + "\""
	}
	if len(text) > phraseLimit {
		return ""
	}
	guard, lower := p.guard(), strings.ToLower(text)
	for _, phrase := range blockPhrases {
		if strings.Contains(lower, phrase) {
			return strings.TrimSpace(guard + " page says \"" + phrase + "\"")
		}
	}
	if guard != "" && len(text) <= widgetLimit*2 {
		return guard + " challenge"
	}
	if len(text) <= widgetLimit && p.asksCaptchaOnly() {
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
	lower := strings.ToLower(string(p.body))
	if p.kind == KindText {
		for _, phrase := range blockPhrases {
			if strings.Contains(lower, phrase) {
				return "the text says \"" + phrase + "\""
			}
		}
	}
	return p.guard()
}

// sells tells whether structured data offers something for a price: what refuses a
// visitor does not.
func (p *Page) sells() bool {
	pr := p.product()
	return pr.main != nil && len(priced(offers(pr.main))) > 0
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
