package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// readSilentPrices finds amounts that elements without text hold in an attribute, from
// which a script would write them.
func (p *Page) readSilentPrices() {
	l := p.layout()
	for _, f := range l.order {
		p.watch.step()
		if f.first != f.end || len(l.runs) == 0 {
			continue
		}
		m, name := silentPrice(f.node)
		if name == "" {
			continue
		}
		near := l.runs[min(f.first, len(l.runs)-1)]
		score := l.zoneScore(l.traits(f)) + l.positionScore(near.index) + max(nameScore(f), weightSilent)
		l.prices = append(l.prices, seenPrice{
			money: m, score: score, index: near.index, where: markup(f) + "[" + name + "]", kind: kindOf(f), former: f.calledFormer(),
		})
	}
}

// weightSilent is that of an attribute which is called a price.
const weightSilent = 2.0

// silentPrice is the amount in an attribute that is called a price, and the name of the
// attribute; no name when there is none, or when another one says that it is a former price.
func silentPrice(n *html.Node) (m money, name string) {
	for _, a := range n.Attr {
		rest, ours := strings.CutPrefix(a.Key, "data-")
		if !ours {
			continue
		}
		words := &frame{words: append(splitWords(rest), splitWords(firstBytes(a.Val, maxNames))...)}
		if words.hasWord(formerWords) || words.hasPair(formerPairs) || words.hasWord(otherPriceWords) {
			return money{}, ""
		}
		if name == "" && words.hasWord(priceWords) && machineNumber.MatchString(a.Val) {
			if read, ok := machineMoney(a.Val); ok {
				m, name = read, a.Key
			}
		}
	}
	return m, name
}
