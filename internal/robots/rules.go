package robots

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The libraries that there are refuse a whole file for one line, or match patterns in the
// middle of a path; what the RFC asks for is not much more than they take to call.

// ruleset is what a file says to one robot.
type ruleset struct {
	rules []rule
	delay time.Duration
	size  int // about its bytes
}

// rule allows or disallows the paths that begin with its parts in their order, with
// anything between them.
type rule struct {
	parts  []string
	whole  bool // the last part is the end of the path
	allows bool
	length int // of the pattern: the longest one that matches decides
}

// group is what a file says to the robots that it names together.
type group struct {
	agents  []string
	ruleset ruleset
}

// parse reads a file for the robot of a name in lower case. Lines that cannot be read are
// passed over, as the RFC has it.
func parse(body []byte, token string) ruleset {
	groups := readGroups(body)
	for _, name := range []string{token, "*"} {
		var all ruleset
		found := false // a group without rules allows everything
		for _, g := range groups {
			if name != "" && slices.Contains(g.agents, name) {
				found = true
				all.rules = append(all.rules, g.ruleset.rules...)
				all.size += g.ruleset.size
				all.delay = max(all.delay, g.ruleset.delay)
			}
		}
		if found {
			return all
		}
	}
	return ruleset{}
}

func readGroups(body []byte) []*group {
	var groups []*group
	naming := false // robots are being named, and no rule has come yet
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	for line := range strings.FieldsFuncSeq(string(body), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line, _, _ = strings.Cut(line, "#")
		key, value, _ := strings.Cut(line, ":")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		if key == "user-agent" {
			if !naming {
				groups = append(groups, &group{})
				naming = true
			}
			last := groups[len(groups)-1]
			last.agents = append(last.agents, agentToken(value))
			continue
		}
		if len(groups) == 0 {
			continue // a rule for nobody
		}
		if groups[len(groups)-1].ruleset.read(key, value) {
			naming = false
		}
	}
	return groups
}

// read takes a line into account, and says whether it was a rule.
func (s *ruleset) read(key, value string) bool {
	switch key {
	case "allow", "disallow":
		if value != "" { // an empty one disallows nothing
			r := newRule(value, key == "allow")
			s.rules = append(s.rules, r)
			s.size += r.length + ruleSize + partSize*len(r.parts)
		}
		return true
	case "crawl-delay":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			s.delay = time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second))
		}
		return true
	}
	return false
}

// What a rule and each of its parts take beside the text, in bytes.
const ruleSize, partSize = 64, 16

func newRule(pattern string, allows bool) rule {
	if pattern[0] != '/' && pattern[0] != '*' {
		pattern = "/" + pattern
	}
	pattern = normal(pattern)
	r := rule{allows: allows, length: len(pattern)}
	pattern, r.whole = strings.CutSuffix(pattern, "$")
	r.parts = strings.Split(pattern, "*")
	return r
}

// allow says whether an address is allowed: the longest pattern that matches decides, and
// of two the one that allows.
func (s *ruleset) allow(address *url.URL) bool {
	path := address.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path == "/robots.txt" {
		return true
	}
	if address.RawQuery != "" || address.ForceQuery {
		path += "?" + address.RawQuery
	}
	path = normal(path)
	allowed, longest := true, 0
	for _, r := range s.rules {
		if r.length < longest || r.length == longest && !r.allows || !r.matches(path) {
			continue
		}
		allowed, longest = r.allows, r.length
	}
	return allowed
}

// matches finds each part at the first place where it stands: if that is too early for
// what follows, no later one would help. So it takes no longer than reading the path.
func (r rule) matches(path string) bool {
	rest, ok := strings.CutPrefix(path, r.parts[0])
	if !ok {
		return false
	}
	others := r.parts[1:]
	if len(others) == 0 {
		return !r.whole || rest == ""
	}
	last := others[len(others)-1]
	for _, part := range others[:len(others)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	if r.whole {
		return strings.HasSuffix(rest, last)
	}
	return strings.Contains(rest, last)
}

// normal writes a path or a pattern in the one way in which it is compared: bytes beyond
// ASCII are escaped, and characters that need no escape are not.
func normal(text string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		escaped := c == '%' // one that escapes nothing stands for itself
		if escaped && i+2 < len(text) {
			if value, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				c, escaped = byte(value), !unreserved(byte(value))
				i += 2
			}
		}
		if escaped || c >= 0x80 || c <= ' ' {
			out.WriteByte('%')
			out.WriteByte(digits[c>>4])
			out.WriteByte(digits[c&15])
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

func unreserved(c byte) bool {
	return c >= '0' && c <= '9' || isLetter(c) || strings.IndexByte("-._~", c) >= 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// agentToken is the name of a robot in a file, in lower case: the letters, hyphens and
// underscores with which it begins.
func agentToken(value string) string {
	if strings.HasPrefix(value, "*") {
		return "*"
	}
	end := 0
	for end < len(value) && (isLetter(value[end]) || value[end] == '-' || value[end] == '_') {
		end++
	}
	return strings.ToLower(value[:end])
}

// productToken is the name under which files know the robot that sends a header.
func productToken(userAgent string) string {
	if _, after, found := strings.Cut(userAgent, "compatible;"); found {
		userAgent = after
	}
	return agentToken(strings.TrimSpace(userAgent))
}
