package shop

import (
	"regexp"
	"strings"
)

// styleOfMalformed gives the malformed pages the styles that break in a telling way.
var styleOfMalformed = []style{styleJSONLD, styleMicrodata, styleGraph, stylePlain}

// mangle breaks a page as people break pages: every browser still shows it.
func mangle(variant int, html string) string {
	switch variant % len(styleOfMalformed) {
	case 0:
		return looseJSON(html)
	case 1:
		return tagSoup(html)
	case 2:
		return cutJSON(html)
	}
	return headless(html)
}

var (
	lastMember = regexp.MustCompile(`(["\d\]}])\n( *[}\]])`)
	ldScript   = regexp.MustCompile(`(?s)(<script type="application/ld\+json">)(.*?)(</script>)`)
)

// looseJSON writes JSON-LD by hand: commas behind the last member, a raw line break
// in a text, all of it in an HTML comment.
func looseJSON(html string) string {
	html = ldScript.ReplaceAllStringFunc(html, func(script string) string {
		m := ldScript.FindStringSubmatch(script)
		loose := lastMember.ReplaceAllString(m[2], "$1,\n$2")
		loose = strings.Replace(loose, `"@type": "Product",`, "\"@type\": \"Product\",\n \"description\": \"To be repaired,\nnot replaced.\",", 1)
		return m[1] + "\n<!--\n" + loose + "\n-->\n" + m[3]
	})
	return html
}

var (
	closings = regexp.MustCompile(`</(?:p|li|article|section)>`)
	quoted   = regexp.MustCompile(`(itemprop|class)="([a-zA-Z]+)"`)
)

// tagSoup leaves tags open and attributes bare.
func tagSoup(html string) string {
	html = closings.ReplaceAllString(html, "")
	html = quoted.ReplaceAllString(html, "$1=$2")
	html = strings.ReplaceAll(html, "<strong", "<STRONG")
	return strings.Replace(html, "<h1", "<div class=oops><b><i><h1", 1)
}

// cutJSON loses the end of its JSON-LD, as templates with an unescaped quote do: what
// is left is the text that readers see.
func cutJSON(html string) string {
	return ldScript.ReplaceAllStringFunc(html, func(script string) string {
		m := ldScript.FindStringSubmatch(script)
		return m[1] + m[2][:len(m[2])/4] + m[3]
	})
}

// headless has no html, head or body element, a second title in the text, and a less-than sign that
// begins no tag.
func headless(html string) string {
	for _, tag := range []string{"<!DOCTYPE html>\n", "<head>\n", "</head>\n", "<body>\n", "</body>\n", "</html>\n"} {
		html = strings.Replace(html, tag, "", 1)
	}
	html = strings.Replace(html, "<main>", "<main><title>&nbsp;</title><p>a < b & c", 1)
	return strings.Replace(html, "</article>", "</div></span></article></table>", 1)
}
