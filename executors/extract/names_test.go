package extract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

const fullProduct = `<html lang="en-GB"><head><title>Blue Lamp | Shop</title><link rel="canonical" href="/p/blue-lamp">
<script type="application/ld+json">{"@type":"Product","name":"Blue Lamp","description":"A <b>fine</b> lamp.</p>","image":["/a.jpg",{"url":"/b.jpg"}],
"brand":{"name":"Acme"},"gtin13":"4005556050178","mpn":"M-1","color":"blue","sku":"BL-1","category":"Lamps",
"additionalProperty":[{"@type":"PropertyValue","name":"Cable length","value":"2 m"}],
"aggregateRating":{"ratingValue":"4.5","reviewCount":"68"},
"offers":{"price":"19.50","priceCurrency":"EUR","availability":"InStock","itemCondition":"https://schema.org/NewCondition","seller":{"name":"Lamps Ltd"}}}</script>
<meta name="keywords" content="lamp, blue"></head><body><h1>Blue Lamp</h1>
<table><tr><th>Screen size</th><td>15 <b>inches</b></td></tr></table><p>Warranty: 2 years</p></body></html>`

func TestFieldsAreFoundByTheirNames(t *testing.T) {
	t.Parallel()

	page := readPage(t, fullProduct)
	for name, want := range map[string]any{
		"name": "Blue Lamp", "title": "Blue Lamp", "Product_Title": "Blue Lamp", "productName": "Blue Lamp",
		"price": "19.50", "sale_price": "19.50", "currency": "EUR", "brand": "Acme", "manufacturer": "Acme",
		"gtin": "4005556050178", "ean": "4005556050178", "mpn": "M-1", "sku": "BL-1", "color": "blue",
		"description": "A fine lamp.", "category": "Lamps", "rating": "4.5", "review_count": "68", "condition": "https://schema.org/NewCondition",
		"seller": "Lamps Ltd", "url": "https://shop.example/p/blue-lamp", "language": "en-gb", "keywords": "lamp, blue",
		"image": "https://shop.example/a.jpg", "cable_length": "2 m", "screen_size": "15 inches", "warranty": "2 years",
		"availability": "InStock", "engine": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, find(t, readPage(t, fullProduct), named(name, field.TypeText)))
		})
	}
	require.Equal(t, []any{"https://shop.example/a.jpg", "https://shop.example/b.jpg"}, find(t, page, named("images", field.TypeList)))
	require.InDelta(t, 68.0, find(t, page, named("reviews", field.TypeNumber)), 0)
	require.Equal(t, []any{"lamp", "blue"}, find(t, page, named("tags", field.TypeList)))
	require.Equal(t, eur("19.50"), find(t, page, named("price", field.TypeMoney)))
	require.InDelta(t, 19.5, find(t, page, named("price", field.TypeNumber)), 0)
}

func TestFieldOfAnUnknownNameIsFoundByItsTypeWhenItIsTheOnlyOne(t *testing.T) {
	t.Parallel()

	page := readPage(t, fullProduct)
	kosten := named("kosten", field.TypeMoney)
	require.Equal(t, eur("19.50"), find(t, page, kosten))
	result := fieldsOf(t, page, []field.Field{kosten, named("extra", field.TypeMoney)})
	require.Empty(t, result.Values)
}

func TestArticleFieldsAreFoundByTheirNames(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<title>News | Site</title><meta property="og:site_name" content="The Site"><meta property="article:section" content="World">`+
		script(`{"@graph":[{"@type":"WebSite","name":"The Site"},{"@type":"NewsArticle","headline":"It happened","datePublished":"2024-05-01T10:00:00Z",
		"dateModified":"2024-05-02","author":[{"@type":"Person","name":"Ann"},{"@type":"Person","name":"Bob"}],"publisher":{"name":"Press"}},
		{"@type":"BreadcrumbList","itemListElement":[{"name":"Home"},{"item":{"name":"Europe"}}]}]}`))
	require.Equal(t, "It happened", find(t, page, named("headline", field.TypeText)))
	require.Equal(t, "2024-05-01T10:00:00Z", find(t, page, named("date_published", field.TypeDate)))
	require.Equal(t, "2024-05-01T10:00:00Z", find(t, page, named("when", field.TypeDate)))
	require.Equal(t, "2024-05-02", find(t, page, named("updated_at", field.TypeDate)))
	require.Equal(t, "Ann", find(t, page, named("author", field.TypeText)))
	require.Equal(t, []any{"Ann", "Bob"}, find(t, page, named("authors", field.TypeList)))
	require.Equal(t, "Press", find(t, page, named("publisher", field.TypeText)))
	require.Equal(t, "World", find(t, page, named("category", field.TypeText)))
	require.Nil(t, find(t, page, named("sku", field.TypeText)))
}

func TestCategoryFromBreadcrumbs(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<title>Blue Lamp</title><h1>Blue Lamp</h1>`+
		script(`{"@type":"BreadcrumbList","itemListElement":[{"name":"Home"},{"name":"Lamps"},{"name":"Blue Lamp"}]}`))
	require.Equal(t, "Lamps", find(t, page, named("category", field.TypeText)))
	require.Equal(t, []any{"Home", "Lamps"}, find(t, page, named("breadcrumbs", field.TypeList)))
}

func TestNameComesFromTheHeadingThatTheTitleRepeats(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<title>Blue Lamp with Shade | Shop</title><h1>SALE</h1><h2 class="product-title">Blue Lamp with Shade</h2>`)
	require.Equal(t, "Blue Lamp with Shade", find(t, page, named("name", field.TypeText)))
	page = readPage(t, `<h1>Only heading</h1>`)
	require.Equal(t, "Only heading", find(t, page, named("name", field.TypeText)))
	page = readPage(t, `<title>Only title</title>`)
	require.Equal(t, "Only title", find(t, page, named("name", field.TypeText)))
}

func TestFieldsTellWhereTheyWereFound(t *testing.T) {
	t.Parallel()

	result := fieldsOf(t, readPage(t, fullProduct), []field.Field{
		named("price", field.TypeMoney), named("brand", field.TypeText), named("warranty", field.TypeText),
		{Name: "h", Type: field.TypeText, Extract: &field.Extract{CSS: "h1"}}, named("absent", field.TypeText),
	})
	require.Equal(t, map[string]string{
		"price": "json-ld offers.price", "brand": "json-ld brand", "warranty": "page label Warranty", "h": "css h1",
	}, result.Sources)
}
