package extract

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
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
	var formats strings.Builder
	for i := range 250 {
		fmt.Fprintf(&formats, "<b id=%d>", i)
	}
	spans.WriteString("<title>a b c</title><h1>a b c</h1><div class=price>" + strings.Repeat("<i></i>", size/14) + strings.Repeat("1 <br>", size/14) + "</div>")
	fillHalf := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size/2; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	var different strings.Builder
	for i := 0; different.Len() < size; i++ {
		fmt.Fprintf(&different, "<p class=price>%d €,", i)
	}
	return map[string]string{
		"Attributes":      "<div " + fillHalf("a%d ") + ">" + strings.Repeat("<b>1</b>", size/16),
		"HtmlTags":        fill("<html a=b>"),
		"Reconstruct":     "<p>" + formats.String() + fill("<p>x"),
		"LongClass":       `<div class="` + strings.Repeat("price ", size/12) + `">` + strings.Repeat("<b>1 € </b>", size/24),
		"LongAttributes":  strings.Repeat(`<i style="`+strings.Repeat("x ", 500)+`" class="`+strings.Repeat("old price ", 100)+`">1 €</i>`, size/2048),
		"NestedPrices":    strings.Repeat(`<div class=price>1 € `, 200) + fill("<i></i>"),
		"NestedText":      strings.Repeat(`<h2 itemprop=name>a `, 200) + fill("text ") + strings.Repeat("</h2>", 200),
		"Prices":          fill(`<p class=price>1 €</p>`),
		"DifferentPrices": different.String(),
		"ManyClasses":     fill(`<a class="old price sale" href=/x>buy now 3 €</a>`),
		"MisnestedTags":   fill(`<a><b><i><p>`),
		"TableText":       "<table>" + fill(`<b>1`),
		"Formatting":      fill(`<b><p></b>`),
		"Microdata":       `<div itemscope itemtype=Product>` + fill(`<b itemprop=offers itemscope><i itemprop=price>1</i></b>`),
		"NestedScopes":    strings.Repeat(`<div itemscope itemprop=isVariantOf itemtype=Product><b itemprop=name>x</b>`, 200) + fill(`<i itemprop=a>`),
		"Titles":          "<title>" + fill("a b ") + "</title><h1>" + fill("a b "),
		"ManyHeadings":    "<title>" + strings.Repeat("a b ", 120) + "</title>" + fill("<h2>a b c</h2>"),
		"LongNames":       script(`[` + strings.Repeat(`{"@type":"Product","name":"`+strings.Repeat("ab ", 1000)+`"},`, size/3100) + `]`),
		"OneLongName":     script(`{"@type":"Product","name":"` + fill("ab ") + `"}`),
		"State":           `<title>a b c</title><script>x=[` + fill(`{name:"a b c d",sku:"1",price:1},`) + `]</script>`,
		"Spaces":          `<script>x=` + fill(" ") + `</script>`,
		"Equals":          `<script>` + fill("=   ") + `</script>`,
		"Backslashes":     script(`{"a":"` + fill(`\u`)),
		"Breadcrumbs":     script(`[` + fill(`{"@type":"BreadcrumbList","itemListElement":[]},`) + `]`),
		"Properties":      script(`{"@type":"Product","additionalProperty":[` + fill(`{"name":"a","value":"b"},`) + `]}`),
		"FlatProperties":  script(`{"@type":"Product",` + fill(`"offers":1,`) + `}`),
		"Keywords":        `<meta name=keywords content="` + different.String()[:size/2] + `">`,
		"Comments":        fill(`<!-->-->`),
		"Entities":        fill(`&amp;&lt`),
		"Crumbs":          script(`{"@type":"BreadcrumbList","itemListElement":[` + fill(`{"name":"a, b"},`) + `]}`),
		"Siblings":        fill(`<i>1</i>`),
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

	for name, body := range hostilePages(64 << 10) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// They take a second or so; what this catches would not end before the tests' own
			// time limit.
			page := readPageAt(t, "https://shop.example/lamp-12345", body)
			_ = blockedBy(t, page)
			_ = fieldsOf(t, page, everyField())
		})
	}
}

// BenchmarkHostile is for finding out which pages are slow:
//
//	MINO_HOSTILE_MIB=10 go test -run=- -bench=Hostile -benchtime=1x
func BenchmarkHostile(b *testing.B) {
	mebibytes, err := strconv.Atoi(cmp.Or(os.Getenv("MINO_HOSTILE_MIB"), "1"))
	require.NoError(b, err)
	for name, body := range hostilePages(mebibytes << 20) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				page := readPageAt(b, "https://shop.example/lamp-12345", body)
				_ = blockedBy(b, page)
				_ = fieldsOf(b, page, everyField())
			}
		})
	}
}

func TestExtractionEndsWithItsContext(t *testing.T) {
	t.Parallel()

	body := strings.Repeat("<p class=price>1 € a</p>", 200_000)
	slow := []field.Field{{Name: "x", Type: field.TypeList, Extract: &field.Extract{Regex: `(?s)(a.*b){20}|z.*z`}}}
	t.Run("WhileThePageIsRead", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := New(ctx, []byte(body), "text/html", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("WhileAnExpressionIsMatched", func(t *testing.T) {
		t.Parallel()
		page := readPage(t, body)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := page.Fields(ctx, slow)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("WhenCancelledBefore", func(t *testing.T) {
		t.Parallel()
		page := readPage(t, "<h1>a</h1>")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := page.Fields(ctx, everyField())
		require.ErrorIs(t, err, context.Canceled)
		_, err = page.Blocked(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestDeeplyNestedJSONIsRefused(t *testing.T) {
	t.Parallel()

	body := strings.Repeat("[", 2<<20) + strings.Repeat("]", 2<<20)
	page, err := New(t.Context(), []byte(body), "application/json", nil)
	require.NoError(t, err)
	require.Empty(t, fieldsOf(t, page, []field.Field{{Name: "x", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$"}}}).Values)
}

func TestSKUOfAMetaElementNeedsNoProductItem(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<meta property="product:retailer_item_id" content="AB-1234"><h1>Lamp</h1>`)
	require.Equal(t, "AB-1234", find(t, page, named("sku", field.TypeText)))
}

// Matches are those that the package regexp finds at one go.
func TestLongTextsAreSearchedLikeShortOnes(t *testing.T) {
	t.Parallel()

	text := strings.Repeat("ab é\n b12, ", 3000)
	for _, expression := range []string{`\bb`, `(?m)^ b`, `\d+`, `x*`, `(b)(\d)?`, `^ab`, `é|b`} {
		var want []string
		for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(text, 50) {
			want = append(want, picked(m))
		}
		require.Equal(t, want, (&watch{}).search(expression, text, 50), expression)
	}
}
