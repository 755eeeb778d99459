package agent

import (
	"regexp"
	"slices"
	"strings"
)

// An agent that was turned away has done its work, and says so somewhere in its result.
// The words count where nothing was found, or where a member that gives reasons has them:
// a page may well sell something that is called Captcha.

// turnedAway are words with which agents tell that a site blocked them.
var turnedAway = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`\b(re|h)?captchas?\b`,
	`\baccess (to [^.]{1,80} )?(was|is|has been|were)? ?(denied|blocked|forbidden|restricted)\b`,
	`\b(was|were|is|are|been|being|got|site|page|website|request|requests) (\w+ )?blocked\b`,
	`\bblocked (by|access|me|us|the|our|automated|due)\b`,
	`\b(bot|robot|automation) (detection|protection|check|challenge|verification)\b`,
	`\banti[- ]?bot\b`,
	`\b(human|security) (verification|check|challenge)\b`,
	`\bverify (that )?(you|i|we)( are|'re|'m| am)? (a )?human\b`,
	`\bare you (a )?(human|robot)\b`,
	`\b403 forbidden\b|\bforbidden \(403\)|\b(http|status|error)( code)?:? 403\b`,
	`\bunusual traffic\b`,
	`\bcloudflare (challenge|block|protection|turnstile|verification)\b`,
}, "|"))

// denialTitles are what agents take for a name or a title when they read the page of a
// refusal.
var denialTitles = []string{
	"access denied", "forbidden", "403 forbidden", "just a moment...", "attention required! | cloudflare", "robot check",
	"captcha", "are you a robot?", "verify you are human", "request blocked", "blocked",
}

// reasonNames are members in which an agent explains itself.
var reasonNames = []string{
	"reason", "error", "errormessage", "message", "note", "notes", "status", "explanation", "failurereason", "blockedreason", "blockreason",
}

// maxReason bounds a text that is taken for a reason, in bytes; longer ones are content.
const maxReason = 2_000

// blocked says why the page is not the page that was asked for, as the result tells;
// empty when it is. found are the fields that have a value.
func blocked(result any, found map[string]any) string {
	nothing := true
	for _, value := range found {
		title, isText := value.(string)
		if !isText || !slices.Contains(denialTitles, strings.ToLower(strings.TrimSpace(title))) {
			nothing = false
			break
		}
	}
	if nothing {
		if why := reasonIn(result); why != "" {
			return "the agent says \"" + why + "\""
		}
	}
	object, _ := result.(map[string]any)
	for _, name := range sorted(object) {
		if isValue(name, found) {
			continue
		}
		word := strings.ToLower(squeezed(name))
		if is, _ := object[name].(bool); is && (word == "blocked" || word == "isblocked" || word == "captcha") {
			return "the agent says that it was blocked"
		}
		if !slices.Contains(reasonNames, word) {
			continue
		}
		if why := reasonIn(object[name]); why != "" {
			return "the agent says \"" + why + "\""
		}
	}
	return ""
}

// isValue reports whether a member of the result is one of the fields.
func isValue(name string, found map[string]any) bool {
	for wanted := range found {
		if sameWords(name, wanted) {
			return true
		}
	}
	return false
}

// denial gives the first words of a text that tell of a refusal, unless it denies them.
func denial(text string) string {
	text = strings.ToLower(text)
	for _, at := range turnedAway.FindAllStringIndex(text, -1) {
		words, before := text[at[0]:at[1]], strings.TrimSpace(text[:at[0]])
		if slices.Contains(strings.Fields(words), "not") || endsInNo.MatchString(before) {
			continue
		}
		return shortened(words)
	}
	return ""
}

var endsInNo = regexp.MustCompile(`\b(no|not|without|any|never)$`)

// reasonIn gives the words of the first text that tells of a refusal.
func reasonIn(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) > maxReason {
			return ""
		}
		if slices.Contains(denialTitles, strings.ToLower(strings.TrimSpace(v))) {
			return strings.ToLower(strings.TrimSpace(v))
		}
		return denial(v)
	case []any:
		for _, member := range v {
			if why := reasonIn(member); why != "" {
				return why
			}
		}
	case map[string]any:
		for _, name := range sorted(v) {
			if why := reasonIn(v[name]); why != "" {
				return why
			}
		}
	}
	return ""
}
