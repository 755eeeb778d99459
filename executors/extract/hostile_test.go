package extract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hostilePages are made so that a careless reader takes for ever or all the memory.
func hostilePages(size int) map[string]string {
	var diamonds, spans, offers strings.Builder
	diamonds.WriteString(`{"@graph":[`)
	for i := range 400 {
		fmt.Fprintf(&diamonds, `{"@id":"#%d","@type":"Product","name":"n","offers":[{"@id":"#%d"},{"@id":"#%d"}],"x":[{"@id":"#%d"},{"@id":"#%d"}]},`, i, i+1, i+1, i+1, i+1)
	}
	diamonds.WriteString(`]}`)
	offers.WriteString(`{"@type":"Product","name":"n","offers":[`)
	for i := 0; offers.Len() < size; i++ {
		fmt.Fprintf(&offers, `{"price":%d},`, i+1)
	}
	offers.WriteString(`]}`)
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	spans.WriteString("<title>a b c</title><h1>a b c</h1><div class=price>" + strings.Repeat("<i></i>", size/14) + strings.Repeat("1 <br>", size/14) + "</div>")
	return map[string]string{
		"SharedItems":     script(diamonds.String()),
		"ManyOffers":      script(offers.String()),
		"NestedItemprops": strings.Repeat(`<div itemprop=a>`, 250) + fill("text ") + strings.Repeat("</div>", 250),
		"ManyItems":       fill(`<i itemscope></i>`),
		"ManyProducts":    fill(`<i itemscope itemtype=Product><b itemprop=name>a b</b></i>`),
		"Amounts":         spans.String(),
		"Buttons":         fill(`<button>buy now</button>`),
		"Headings":        strings.Repeat(`<h2><span>`, 120) + fill("a b ") + `</h2>`,
		"OpenElements":    fill("<div><b>x"),
		"OpenBrackets":    script(fill("[{\"a\":")),
		"Quotes":          script(`{"a":"` + fill(`" `)),
		"Metas":           fill(`<meta name=a content=b>`),
		"Labels":          fill(`<p>SKU: <b>x</b>`),
		"Scripts":         fill(`<script>x={name:"a b c",price:1}</script>`),
		"Identifiers":     `<title>x</title>` + fill(`id=12345 `),
	}
}

func TestHostilePagesEnd(t *testing.T) {
	t.Parallel()

	for name, body := range hostilePages(256 << 10) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			page := readPageAt(t, "https://shop.example/lamp-12345", body)
			_ = page.Blocked()
			_ = page.Fields(everyField())
			// They take a second or so on a busy machine; what this catches takes minutes.
			require.Less(t, time.Since(start), 30*time.Second)
		})
	}
}
