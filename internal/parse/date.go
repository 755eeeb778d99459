package parse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Date gives the first date in text as "2006-01-02", or as RFC 3339 when a time of
// day stands beside it. Understood are ISO 8601, numeric dates (month first with
// slashes, day first with dots and hyphens, the other way round when only that makes
// a date), dates with a month's name in English, German, French, Spanish, Italian,
// Dutch, Portuguese, Polish, Swedish, Danish, Norwegian or Czech, and East Asian ones
// (2026年1月2日). Two-digit years are 1970 to 2069. A time without a zone, or with a
// zone abbreviation that is not known, is taken as UTC. Relative dates ("yesterday")
// are none: the package has no clock.
func Date(s string) (string, error) {
	folded := fold(s)
	if folded == "" {
		return "", ErrEmpty
	}
	for _, find := range []func(string) (dateMatch, bool){findISO, findEastAsian, findNamed, findNumeric} {
		if m, ok := find(folded); ok {
			return m.withTime(folded[m.end:])
		}
	}
	return "", ErrDate
}

// dateMatch is a date found in text, and where it ends.
type dateMatch struct {
	year, month, day int
	end              int
}

func newMatch(year, month, day string, end int) (dateMatch, bool) {
	m := dateMatch{end: end}
	m.year, _ = strconv.Atoi(year) // the patterns give digits only
	m.month, _ = strconv.Atoi(month)
	m.day, _ = strconv.Atoi(day)
	if len(year) <= 2 {
		m.year += 1900
		if m.year < 1970 {
			m.year += 100
		}
	}
	return m, m.valid()
}

func (m dateMatch) valid() bool {
	if m.year < 1000 || m.month < 1 || m.month > 12 || m.day < 1 {
		return false
	}
	t := time.Date(m.year, time.Month(m.month), m.day, 0, 0, 0, 0, time.UTC)
	return t.Day() == m.day // a day beyond the month's last rolls over
}

var (
	isoDate   = regexp.MustCompile(`(?:^|[^\d.,/-])(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2}))(?:$|[^\d/-])`)
	basicDate = regexp.MustCompile(`^(\d{4})(\d\d)(\d\d)(?:$|T)`)
	eastAsian = regexp.MustCompile(`(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일号號]`) //nolint:gosmopolitan // year, month and day
	numeric   = regexp.MustCompile(`(?:^|[^\d.,/-])(\d{1,2})(?:(/) ?(\d{1,2}) ?/|(\.) ?(\d{1,2})\. ?|(-)(\d{1,2})-) ?(\d{4}|\d{2})(?:$|[^\d/-])`)
)

func findISO(s string) (dateMatch, bool) {
	if m := basicDate.FindStringSubmatch(s); m != nil {
		return newMatch(m[1], m[2], m[3], 8)
	}
	for _, at := range isoDate.FindAllStringSubmatchIndex(s, -1) {
		m := submatches(s, at)
		month, day, end := m[2]+m[4]+m[6], m[3]+m[5]+m[7], max(at[7], at[11], at[15])
		if found, ok := newMatch(m[1], month, day, end); ok {
			return found, true
		}
	}
	return dateMatch{}, false
}

func findEastAsian(s string) (dateMatch, bool) {
	at := eastAsian.FindStringSubmatchIndex(s)
	if at == nil {
		return dateMatch{}, false
	}
	m := submatches(s, at)
	return newMatch(m[1], m[2], m[3], at[1])
}

func findNumeric(s string) (dateMatch, bool) {
	for _, at := range numeric.FindAllStringSubmatchIndex(s, -1) {
		m := submatches(s, at)
		first, second, end := m[1], m[3]+m[5]+m[7], at[17]
		month, day := second, first
		if m[2] == "/" {
			month, day = first, second
		}
		if found, ok := newMatch(m[8], month, day, end); ok {
			return found, true
		}
		if found, ok := newMatch(m[8], day, month, end); ok {
			return found, true
		}
	}
	return dateMatch{}, false
}

var (
	dayFirst   = regexp.MustCompile(`(?:^|[^\d.,:/-])(\d{1,2})(?:st|nd|rd|th|er|ère|ste|de|\.?º|°)?[., -]{0,2}(?:of |de |d')?(\pL[\pL\pM]*)\.?,?[ ,'-]{0,2}(?:of |de |del )?(\d{4}|\d{2})(?:$|[^\d:])`)
	monthFirst = regexp.MustCompile(`(?:^|[^\pL\pM])(\pL[\pL\pM]*)\.?[ -]?(\d{1,2})(?:st|nd|rd|th)?[., -]{1,2} ?(\d{4})(?:$|[^\d:])`)
	yearFirst  = regexp.MustCompile(`(?:^|\D)(\d{4})[., -]{1,2}(\pL[\pL\pM]*)\.?[ -](\d{1,2})(?:$|[^\d:])`)
	unixDate   = regexp.MustCompile(`^(?:\pL+,? )?(\pL+) (\d{1,2}) (\d\d:\d\d:\d\d)( [A-Z]{3,4}| [+-]\d{4})? (\d{4})$`)
)

// findNamed finds a date whose month has a name. A match with another word in the
// month's place, or a day that the month does not have, is passed over, and the search goes
// on after the match's first part, since matches may overlap.
func findNamed(s string) (dateMatch, bool) {
	if m := unixDate.FindStringSubmatch(s); m != nil {
		if month := monthOf(m[1]); month != "" {
			return newMatch(m[5], month, m[2], strings.Index(s, m[3]))
		}
	}
	best, found := dateMatch{}, false
	consider := func(re *regexp.Regexp, year, month, day int) {
		for from := 0; from < len(s); {
			at := re.FindStringSubmatchIndex(s[from:])
			if at == nil {
				return
			}
			m := submatches(s[from:], at)
			end := from + max(at[2*year+1], at[2*day+1])
			if d, ok := newMatch(m[year], monthOf(m[month]), m[day], end); ok && (!found || d.end < best.end) {
				best, found = d, true
				return
			}
			from += at[3]
		}
	}
	consider(dayFirst, 3, 2, 1)
	consider(monthFirst, 3, 1, 2)
	consider(yearFirst, 1, 2, 3)
	return best, found
}

func submatches(s string, at []int) []string {
	out := make([]string, len(at)/2)
	for i := range out {
		if at[2*i] >= 0 {
			out[i] = s[at[2*i]:at[2*i+1]]
		}
	}
	return out
}

// timeOfDay matches what follows a date. Only a time close to the date is its own.
var timeOfDay = regexp.MustCompile(`(?i)^(?:T|[,. ]{0,3}(?:at |um |à |a las |alle |om |kl\.? ?|- ?|· ?|\| ?)?)(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?( ?[ap]\.?m\b\.?)?(?: ?(Z\b|[+-]\d\d(?::?\d\d)?\b)| (?:\()?([A-Z]{3,4})\b(?:([+-]\d\d?)(?::?(\d\d))?)?)?`)

// zones are the abbreviations of RFC 5322 and the European and Japanese ones in
// common use, in minutes east of Greenwich.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540,
	"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}

// withTime writes the date, with the time of day when one follows it.
func (m dateMatch) withTime(after string) (string, error) {
	date := fmt.Sprintf("%04d-%02d-%02d", m.year, m.month, m.day)
	at := timeOfDay.FindStringSubmatchIndex(after)
	if at == nil {
		return date, nil
	}
	if next := at[1]; isDigit(after, next) {
		return date, nil // the beginning of another number
	}
	g := submatches(after, at)
	hour, _ := strconv.Atoi(g[1])
	minute, _ := strconv.Atoi(g[2])
	second, _ := strconv.Atoi(g[3])
	nanos, _ := strconv.Atoi((g[4] + "000000000")[:9])
	if half := strings.ToLower(strings.TrimSpace(g[5])); half != "" {
		if hour < 1 || hour > 12 {
			return "", ErrDate
		}
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
	}
	if hour > 23 || minute > 59 || second > 59 {
		return "", ErrDate
	}
	zone, err := zoneOf(g[6], g[7], g[8], g[9])
	if err != nil {
		return "", err
	}
	t := time.Date(m.year, time.Month(m.month), m.day, hour, minute, second, nanos, zone)
	return t.Format(time.RFC3339Nano), nil
}

// zoneOf gives the zone of an offset ("+02:00"), an abbreviation ("CET") or both
// ("GMT+2").
func zoneOf(offset, name, hours, minutes string) (*time.Location, error) {
	east := zones[strings.ToUpper(name)]
	sign := hours
	switch {
	case len(offset) >= 3:
		sign, hours = offset, offset[:3]
		minutes = strings.TrimPrefix(offset[3:], ":")
	case hours == "":
		return fixed(east), nil
	}
	h, _ := strconv.Atoi(strings.TrimLeft(hours, "+-"))
	m, _ := strconv.Atoi(minutes)
	if h > 14 || m > 59 {
		return nil, ErrDate
	}
	shift := h*60 + m
	if sign[0] == '-' {
		shift = -shift
	}
	return fixed(east + shift), nil
}

func fixed(minutes int) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	return time.FixedZone("", minutes*60)
}
