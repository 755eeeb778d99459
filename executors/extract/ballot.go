package extract

import (
	"strings"

	"github.com/shopspring/decimal"
)

// ballot finds the value that most of a page speaks for. Every place that names a
// value votes for it with the weight that such a place deserves, so that one wrong
// place is outvoted and two weak places that agree beat one that stands alone.
type ballot struct {
	tallies []*tally
	byKey   map[string]*tally
}

type tally struct {
	key    string
	text   string // as found where the best vote came from
	money  money
	source string
	score  float64
	best   float64
	votes  int
}

func newBallot() *ballot { return &ballot{byKey: map[string]*tally{}} }

// vote adds weight to a value. Only the first votes of one kind for a value count
// in full: a page may repeat one place a hundred times.
func (b *ballot) vote(key, text, source string, weight float64) *tally {
	t := b.byKey[key]
	if t == nil {
		t = &tally{key: key, text: text, source: source, best: weight}
		b.byKey[key] = t
		b.tallies = append(b.tallies, t)
	} else if weight > t.best {
		t.text, t.source, t.best = text, source, weight
	}
	t.score += weight
	t.votes++
	return t
}

func (b *ballot) voteMoney(m money, source string, weight float64) {
	t := b.vote(moneyKey(m.amount), "", source, weight)
	if t.votes == 1 {
		t.money = m
	}
	if t.money.currency == "" || (m.currency != "" && weight >= t.best) {
		t.money.currency = m.currency
	}
}

func moneyKey(d decimal.Decimal) string { return d.String() }

// winner is the value with the highest score of at least the threshold; the first
// one found among equals; nil when there is none.
func (b *ballot) winner(threshold float64) *tally {
	var best *tally
	for _, t := range b.tallies {
		if t.score >= threshold && (best == nil || t.score > best.score) {
			best = t
		}
	}
	return best
}

// idKey makes identifiers comparable: case and separators are dropped.
func idKey(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= 0x80:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return -1
		}
	}, s)
}
