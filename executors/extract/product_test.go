package extract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

var moneyField = named("price", field.TypeMoney)

func TestPriceFromOffersInEveryShape(t *testing.T) {
	t.Parallel()

	product := func(rest string) string { return script(`{"@type":"Product","name":"Blue Lamp",` + rest + `}`) }
	for name, test := range map[string]struct {
		page string
		want any
	}{
		"Offer":              {product(`"offers":{"@type":"Offer","price":"19.50","priceCurrency":"EUR"}`), eur("19.50")},
		"OfferList":          {product(`"offers":[{"price":"19.50","priceCurrency":"EUR"}]`), eur("19.50")},
		"AggregateOffer":     {product(`"offers":{"@type":"AggregateOffer","lowPrice":10,"highPrice":20,"priceCurrency":"EUR"}`), eur("10")},
		"AggregateOfOffers":  {product(`"offers":{"@type":"AggregateOffer","priceCurrency":"EUR","offers":[{"price":12},{"price":12}]}`), eur("12")},
		"HighPriceOnly":      {product(`"offers":{"@type":"AggregateOffer","highPrice":20,"priceCurrency":"EUR"}`), eur("20")},
		"Specification":      {product(`"offers":{"priceSpecification":{"price":19.5,"priceCurrency":"EUR"}}`), eur("19.5")},
		"ListPriceBeside":    {product(`"offers":{"priceCurrency":"EUR","priceSpecification":[{"priceType":"https://schema.org/ListPrice","price":30},{"price":20}]}`), eur("20")},
		"UnitPriceBeside":    {product(`"offers":{"priceCurrency":"EUR","priceSpecification":[{"price":2,"referenceQuantity":{"value":1}},{"price":20}]}`), eur("20")},
		"SymbolCurrency":     {product(`"offers":{"price":"5","priceCurrency":"€"}`), eur("5")},
		"CurrencyInPrice":    {product(`"offers":{"price":"5,90 €"}`), eur("5.90")},
		"ThreeDecimals":      {product(`"offers":{"price":"19.999","priceCurrency":"EUR"}`), eur("19.999")},
		"GroupedText":        {product(`"offers":{"price":"1,299.00","priceCurrency":"EUR"}`), eur("1299.00")},
		"PriceOnTheProduct":  {product(`"price":"5","priceCurrency":"EUR"`), eur("5")},
		"OfferAlone":         {script(`{"@type":"Offer","price":"5","priceCurrency":"EUR"}`), eur("5")},
		"SoldOutVariantLast": {product(`"offers":[{"price":5,"availability":"OutOfStock","priceCurrency":"EUR"},{"price":9,"availability":"InStock","priceCurrency":"EUR"}]`), eur("9")},
		"LowestOfMany":       {product(`"offers":[{"price":9,"priceCurrency":"EUR"},{"price":7,"priceCurrency":"EUR"}]`), eur("7")},
		"GroupWithVariants":  {script(`{"@type":"ProductGroup","name":"Blue Lamp","hasVariant":[{"@type":"Product","offers":{"price":8,"priceCurrency":"EUR"}}]}`), eur("8")},
		"ZeroIsNoPrice":      {product(`"offers":{"price":"0.00","priceCurrency":"EUR"}`), nil},
		"NoPrice":            {product(`"offers":{"availability":"OutOfStock"}`), nil},
		"Event":              {script(`{"@type":"Event","name":"Blue Lamp live","offers":{"price":25,"priceCurrency":"EUR"}}`), eur("25")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, find(t, readPage(t, "<title>Blue Lamp</title>"+test.page), moneyField))
		})
	}
}

func TestVariantIsChosenByTheAddress(t *testing.T) {
	t.Parallel()

	bySKU := script(`{"@type":"Product","name":"Blue Lamp","offers":[
		{"sku":"L-S","price":5,"priceCurrency":"EUR","availability":"InStock"},
		{"sku":"L-XL","price":9,"priceCurrency":"EUR","availability":"OutOfStock"}]}`)
	byURL := script(`{"@type":"Product","name":"Blue Lamp","offers":[
		{"url":"/p/blue-lamp?variant=1","price":5,"priceCurrency":"EUR"},
		{"url":"https://shop.example/p/blue-lamp?variant=2","price":9,"priceCurrency":"EUR"}]}`)
	for name, test := range map[string]struct{ address, page, amount string }{
		"SKUInTheQuery":     {"https://shop.example/p/blue-lamp?size=l-xl", bySKU, "9"},
		"SKUInTheFragment":  {"https://shop.example/p/blue-lamp#sku=L-XL", bySKU, "9"},
		"SKUInThePath":      {"https://shop.example/p/L-XL", bySKU, "9"},
		"NoneIsChosen":      {"https://shop.example/p/blue-lamp", bySKU, "5"},
		"URLOfTheOffer":     {"https://shop.example/p/blue-lamp?variant=2", byURL, "9"},
		"OtherURL":          {"https://shop.example/p/blue-lamp?variant=3", byURL, "5"},
		"CampaignIsIgnored": {"https://shop.example/p/blue-lamp?variant=2&utm_source=x", byURL, "9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPageAt(t, test.address, "<title>Blue Lamp</title>"+test.page)
			require.Equal(t, eur(test.amount), find(t, page, moneyField))
		})
	}
}

func TestMainProductIsChosen(t *testing.T) {
	t.Parallel()

	price := `,"offers":{"price":5,"priceCurrency":"EUR"}}`
	other := `,"offers":{"price":99,"priceCurrency":"EUR"}}`
	for name, page := range map[string]string{
		"ByName": `<title>Blue Lamp | Shop</title><h1>Blue Lamp</h1>` +
			script(`[{"@type":"Product","name":"Red Chair"`+other+`,{"@type":"Product","name":"Blue Lamp"`+price+`]`),
		"ByAddress": `<title>Shop</title>` +
			script(`[{"@type":"Product","name":"A","url":"/p/red-chair"`+other+`,{"@type":"Product","name":"B","url":"/p/blue-lamp"`+price+`]`),
		"ByCanonical": `<title>Shop</title><link rel="canonical" href="/products/77">` +
			script(`[{"@type":"Product","name":"A","url":"/products/78"`+other+`,{"@type":"Product","name":"B","url":"/products/77"`+price+`]`),
		"NotTheRelated": `<title>Blue Lamp</title>` +
			script(`{"@type":"Product","name":"Blue Lamp","isRelatedTo":[{"@type":"Product","name":"Blue Lamp XL"`+other+`],"offers":{"price":5,"priceCurrency":"EUR"}}`),
		"NotTheRelatedBox": `<title>Blue Lamp</title><h1>Blue Lamp</h1>
			<div class="related-products"><div itemscope itemtype="http://schema.org/Product"><b itemprop="name">Blue Lamp XL</b><i itemprop="price" content="99"></i></div></div>
			<div class="main" itemscope itemtype="http://schema.org/Product"><b itemprop="name">Blue Lamp</b><i itemprop="price" content="5"></i><meta itemprop="priceCurrency" content="EUR"></div>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, eur("5"), find(t, readPage(t, page), moneyField))
		})
	}
	t.Run("NoneInAList", func(t *testing.T) {
		t.Parallel()
		page := readPage(t, `<title>All our furniture</title>`+script(`[{"@type":"Product","name":"Red Chair"`+other+`,{"@type":"Product","name":"Green Sofa"`+price+`]`))
		require.Nil(t, find(t, page, moneyField))
	})
}

func TestPriceFromMetaElements(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<meta property="product:price:amount" content="1148.00"><meta property="product:price:currency" content="EUR">`)
	require.Equal(t, eur("1148.00"), find(t, page, moneyField))
	page = readPage(t, `<meta property="product:price:amount" content="1148.00"><meta property="product:sale_price:amount" content="997.00">
		<meta property="product:original_price:amount" content="1148.00"><meta property="product:price:currency" content="EUR">`)
	require.Equal(t, eur("997.00"), find(t, page, moneyField))
	require.Equal(t, eur("1148.00"), find(t, page, named("old_price", field.TypeMoney)))
}

func TestAvailabilityFromStructuredData(t *testing.T) {
	t.Parallel()

	offer := func(rest string) string {
		return "<title>Blue Lamp</title>" + script(`{"@type":"Product","name":"Blue Lamp","offers":`+rest+`}`)
	}
	for name, test := range map[string]struct {
		page string
		want any
	}{
		"URL":              {offer(`{"availability":"http://schema.org/InStock"}`), "InStock"},
		"Term":             {offer(`{"availability":"OutOfStock"}`), "OutOfStock"},
		"Discontinued":     {offer(`{"availability":"schema:Discontinued"}`), "OutOfStock"},
		"PreOrder":         {offer(`{"availability":"https://schema.org/PreOrder"}`), "InStock"},
		"OneVariantIsLeft": {offer(`[{"availability":"OutOfStock","price":1},{"availability":"InStock","price":1}]`), "InStock"},
		"Nothing":          {offer(`{"price":5}`), nil},
		"Meta":             {`<meta property="product:availability" content="out of stock">`, "OutOfStock"},
		"Microdata":        {`<div itemscope itemtype="http://schema.org/Product"><link itemprop="availability" href="http://schema.org/SoldOut"></div>`, "OutOfStock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPage(t, test.page)
			enum := field.Field{Name: "availability", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}}
			require.Equal(t, test.want, find(t, page, enum))
			want := any(nil)
			if test.want != nil {
				want = test.want == "InStock"
			}
			require.Equal(t, want, find(t, page, named("in_stock", field.TypeBoolean)))
		})
	}
}
