package robots

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// allowed judges a path for the robot "mino".
func allowed(t *testing.T, file, path string) bool {
	t.Helper()
	address, err := url.Parse("https://shop.example" + path)
	require.NoError(t, err)
	rules := parse([]byte(file), "mino")
	return rules.allow(address)
}

func TestGroups(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		file string
		want bool
	}{
		"Empty":              {"", true},
		"NoRobots":           {"<html><body>Not found: / </body></html>", true},
		"All":                {"User-agent: *\nDisallow: /", false},
		"Other":              {"User-agent: other\nDisallow: /", true},
		"Own":                {"User-agent: MINO\nDisallow: /", false},
		"OwnWithVersion":     {"User-agent: Mino/1.0 (+https://x)\nDisallow: /", false},
		"OwnBeforeAll":       {"User-agent: *\nDisallow: /\n\nUser-agent: mino\nDisallow: /private", true},
		"OwnWithoutRules":    {"User-agent: *\nDisallow: /\n\nUser-agent: mino\n", true},
		"NotAPrefix":         {"User-agent: min\nDisallow: /\nUser-agent: minotaur\nDisallow: /", true},
		"NamedTogether":      {"User-agent: a\nUser-agent: mino\nUser-agent: b\nDisallow: /", false},
		"NamedTwice":         {"User-agent: mino\nAllow: /x\n\nUser-agent: b\nAllow: /\n\nUser-agent: mino\nDisallow: /p", false},
		"RuleForNobody":      {"Disallow: /\nUser-agent: other\nDisallow: /", true},
		"EmptyDisallow":      {"User-agent: *\nDisallow:", true},
		"OtherLinesBetween":  {"User-agent: mino\nSitemap: https://x/\nNoindex: /\nUser-agent: b\nDisallow: /", false},
		"DelayEndsTheNames":  {"User-agent: mino\nCrawl-delay: 1\nUser-agent: b\nDisallow: /", true},
		"Comments":           {"# all\nUser-agent: * # everyone\nDisallow: / # everything", false},
		"CarriageReturns":    {"User-agent: *\rDisallow: /p\r\rAllow: /q", false},
		"WindowsLines":       {"User-agent: *\r\nDisallow: /p\r\n", false},
		"ByteOrderMark":      {"\ufeffUser-agent: *\nDisallow: /", false},
		"Case":               {"USER-AGENT: *\nDISALLOW: /", false},
		"White space":        {"  User-agent :  * \n\t Disallow :\t/p ", false},
		"BadLinesPassedOver": {"User-agent: *\nfoo\nCrawl-delay: soon\n:\nDisallow: /p", false},
		"NoSlash":            {"User-agent: *\nDisallow: p", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, allowed(t, test.file, "/p/1"))
		})
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		rules, path string
		want        bool
	}{
		{"Disallow: /p", "/p", false},
		{"Disallow: /p", "/pq", false},
		{"Disallow: /p", "/q/p", true},
		{"Disallow: /p/", "/p", true},
		{"Disallow: /P", "/p", true},
		{"Disallow: /p$", "/p", false},
		{"Disallow: /p$", "/p/", true},
		{"Disallow: /p$", "/p?x", true},
		{"Disallow: /a$b", "/a$b", false},
		{"Disallow: /*.pdf$", "/a/b.pdf", false},
		{"Disallow: /*.pdf$", "/a/b.pdf?x", true},
		{"Disallow: /*.pdf$", "/a.pdf.pdf", false},
		{"Disallow: /*.pdf", "/a/b.pdf?x", false},
		{"Disallow: /p*q", "/z/pxq", true},
		{"Disallow: /p*q", "/p/x/q/z", false},
		{"Disallow: /p*q*r$", "/pqqr", false},
		{"Disallow: /p*q*r$", "/prq", true},
		{"Disallow: *", "/anything", false},
		{"Disallow: *q", "/p/q", false},
		{"Disallow: /**a", "/xa", false},
		{"Disallow: /$", "/", false},
		{"Disallow: /$", "/p", true},
		{"Disallow: /", "", false},
		{"Disallow: /*?", "/p?", false},
		{"Disallow: /*?id=", "/p?id=1", false},
		{"Disallow: /*?id=", "/p", true},
		{"Disallow: /", "/robots.txt", true},
		// The longest decides, and of two the one that allows.
		{"Disallow: /\nAllow: /p", "/p/1", true},
		{"Allow: /p\nDisallow: /", "/p/1", true},
		{"Allow: /p\nDisallow: /p/1", "/p/1", false},
		{"Disallow: /p\nAllow: /p", "/p", true},
		{"Allow: /p\nDisallow: /p", "/p", true},
		{"Allow: /*.html\nDisallow: /p", "/p.html", true},
		{"Allow: /$\nDisallow: /", "/", true},
		{"Allow: /$\nDisallow: /", "/p", false},
		{"Allow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/disallowed.gif", false},
		// Escapes are compared by what they stand for.
		{"Disallow: /käse", "/k%C3%A4se", false},
		{"Disallow: /k%c3%a4se", "/käse", false},
		{"Disallow: /%7Ejoe", "/~joe", false},
		{"Disallow: /~joe", "/%7ejoe", false},
		{"Disallow: /a%2Fb", "/a/b", true},
		{"Disallow: /a%2fb", "/a%2Fb", false},
		{"Disallow: /a%", "/a%25", false},
		{"Disallow: /file-with-a-%2A.html", "/file-with-a-*.html", true},
	} {
		t.Run(test.rules+" for "+test.path, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, allowed(t, "User-agent: *\n"+test.rules, test.path))
		})
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()

	for value, want := range map[string]time.Duration{
		"5": 5 * time.Second, "0.5": 500 * time.Millisecond, "86400": time.Minute, "1e300": time.Minute, "Inf": time.Minute,
		"-1": 0, "0": 0, "NaN": 0, "soon": 0, "": 0,
	} {
		require.Equal(t, want, parse([]byte("User-agent: *\nCrawl-delay: "+value), "mino").delay, value)
	}
	require.Zero(t, parse([]byte("User-agent: other\nCrawl-delay: 5"), "mino").delay)
}

func TestNameOfTheRobot(t *testing.T) {
	t.Parallel()

	for header, want := range map[string]string{
		"Mozilla/5.0 (compatible; MINO/1.0; +https://x)": "mino", "Price-Bot/2": "price-bot", "mino": "mino", "": "", "*": "*",
		"Mozilla/5.0 (X11)": "mozilla", "(odd)": "", "ÄBot": "",
	} {
		require.Equal(t, want, productToken(header), header)
	}
	rules := parse([]byte("User-agent: 1\nDisallow: /"), productToken(""))
	require.True(t, rules.allow(&url.URL{Path: "/"}), "a robot without a name is not called by names that are none")
}

// What is cut off at any place is read, and no pattern takes long.
func FuzzParse(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a*b$\nAllow: /%zz\nCrawl-delay: 1", "/a%20b?c")
	f.Add("\ufeff:\r#\nuser-agent:mino\rallow:*$", "")
	f.Add("User-agent: *\nDisallow: /"+strings.Repeat("*a", 1000)+"b", "/"+strings.Repeat("a", 1000))
	f.Fuzz(func(t *testing.T, file, path string) {
		rules := parse([]byte(file), "mino")
		require.GreaterOrEqual(t, rules.delay, time.Duration(0))
		require.LessOrEqual(t, rules.delay, maxDelay)
		rules.allow(&url.URL{Path: path})
		require.True(t, rules.allow(&url.URL{Path: "/robots.txt"}))
		require.Equal(t, normal(path), normal(normal(path)))
	})
}
