package extract

import "golang.org/x/net/html"

// Limits on what is looked at of one page. They are far above what pages have that
// people read: of 70 product pages, none comes near one of them. What lies beyond is
// left out, as if the page ended there.
const (
	maxAttributes    = 200     // of one element
	maxElements      = 200_000 // of the layout
	maxRuns          = 100_000 // pieces of text of the layout
	maxPriceTexts    = 10_000  // pieces of text in which an amount is looked for
	maxMetas         = 2_000   // names of meta elements
	maxNames         = 1_000   // bytes of one attribute that words are taken from
	maxWords         = 100     // words of one element's names
	maxOfferVisits   = 20_000  // items looked at for the offers of one item
	maxReferenceWork = 500_000 // items looked at to keep references from forming rings
	maxParsed        = 16_000  // bytes of a text that is read as anything but a text
	minNodesOfText   = 2_000   // nodes that may be walked for a text, however short
)

// trimAttributes drops attributes beyond the limit, as many walks look at those of
// the elements around a text.
func trimAttributes(w *watch, root *html.Node) {
	elements(w, root, func(n *html.Node) bool {
		n.Attr = n.Attr[:min(len(n.Attr), maxAttributes)]
		return true
	})
}
