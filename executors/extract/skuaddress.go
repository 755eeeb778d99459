package extract

import (
	"bytes"
	"net/url"
	"path"
	"regexp"
	"strings"
)

var addressID = regexp.MustCompile(`(?i)(?:^|[-_/.,~=])(?:p|iid|id|art|item|prod|dp|pid|i|a|sku|product)?[-_]?(\d{4,})(?:\.\w{2,5})?$`)

// addressIDs are what looks like an identifier in the page's address.
func addressIDs(u *url.URL) []string {
	var ids []string
	add := func(s string) {
		if s != "" && plausibleID(s) {
			ids = append(ids, s)
		}
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		base := strings.TrimSuffix(segment, path.Ext(segment))
		if digits := countDigits(base); (digits >= 3 && digits*3 >= len(base)) || upperCode.MatchString(base) {
			add(base)
		}
		if m := addressID.FindStringSubmatch(segment); m != nil {
			add(m[1])
		}
	}
	for key, values := range u.Query() {
		if isFieldName(key) || key == "id" || key == "sku" {
			for _, v := range values {
				add(v)
			}
		}
	}
	return ids
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if isDigitByte(s[i]) {
			n++
		}
	}
	return n
}

// voteAddressSKUs strengthens candidates that the page's address has too, and puts
// forward the identifiers of the address itself, which need to be confirmed by the
// page. The address is the one the page was found at, and the one it gives itself: a
// page may be found behind an address that says nothing.
func (p *Page) voteAddressSKUs(b *ballot) {
	addresses := []*url.URL{p.url}
	if own := p.canonical(); own.Path != p.url.Path {
		addresses = append(addresses, own)
	}
	var flat strings.Builder
	var ids []string
	for _, address := range addresses {
		flat.WriteString("/" + idKey(address.Path+"/"+address.RawQuery+"/"+address.Fragment))
		ids = append(ids, addressIDs(address)...)
	}
	for _, t := range b.tallies {
		if len(t.key) >= 4 && strings.Contains(flat.String(), t.key) {
			t.score += weightInAddress
		}
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[idKey(id)] {
			continue
		}
		seen[idKey(id)] = true
		voteID(b, id, "address", weightAddress+p.confirmed(id))
	}
}

// upperCode is a code of capitals and digits, which no word of a title is.
var upperCode = regexp.MustCompile(`^[A-Z]*\d[A-Z]*\d[A-Z0-9]*$`)

// calledID ends where a value begins: a quoted one of any name, or a bare one of
// something that is called an identifier.
var calledID = regexp.MustCompile(`(?i)(?:[a-z_-]{2,24}["']?\s*[:=]\s*\[?\s*["']|` +
	`(?:sku|id|code|item|product|article|number|ref|no)[a-z_]{0,12}["']?\s*[:=]\s*\[?\s*)$`)

// confirmed is how often the page's source uses an identifier as a whole value, in
// weight.
func (p *Page) confirmed(id string) float64 {
	const most, look, tries = 4, 40, 2000
	found, tried := 0, 0
	body := p.body
	for at := bytes.Index(body, []byte(id)); at >= 0 && found < most && tried < tries; at = bytes.Index(body, []byte(id)) {
		tried++
		end := at + len(id)
		ends := end >= len(body) || strings.IndexByte("\"',}] \t\r\n", body[end]) >= 0
		if ends && calledID.Match(body[max(0, at-look):at]) {
			found++
		}
		body = body[end:]
	}
	return float64(found) * 0.75
}
