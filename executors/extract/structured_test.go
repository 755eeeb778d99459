package extract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

func script(body string) string {
	return `<script type="application/ld+json">` + body + `</script>`
}

func TestJSONLDIsReadInEveryShape(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		page, path, want string
	}{
		"Object":           {script(`{"@type":"Product","name":"Lamp"}`), "name", "Lamp"},
		"Array":            {script(`[{"@type":"WebSite"},{"@type":"Product","name":"Lamp"}]`), "Product.name", "Lamp"},
		"Graph":            {script(`{"@context":"https://schema.org","@graph":[{"@type":"Product","offers":{"@type":"Offer","price":5}}]}`), "offers.price", "5"},
		"GraphOfOne":       {script(`{"@graph":{"@type":"Product","name":"Lamp"}}`), "name", "Lamp"},
		"TypedGraph":       {script(`{"@type":"WebPage","name":"Page","@graph":[{"@type":"Product","name":"Lamp"}]}`), "Product.name", "Lamp"},
		"Reference":        {script(`{"@graph":[{"@type":"Product","brand":{"@id":"#b"}},{"@id":"#b","@type":"Brand","name":"Acme"}]}`), "brand.name", "Acme"},
		"ReferenceRing":    {script(`{"@graph":[{"@id":"#a","@type":"Product","name":"Lamp","isRelatedTo":{"@id":"#b"}},{"@id":"#b","@type":"Product","isRelatedTo":{"@id":"#a"}}]}`), "name", "Lamp"},
		"FullNames":        {script(`{"@type":"http://schema.org/Product","http://schema.org/name":"Lamp"}`), "Product.name", "Lamp"},
		"PrefixedNames":    {script(`{"@type":"schema:Product","schema:name":"Lamp"}`), "Product.name", "Lamp"},
		"ManyTypes":        {script(`{"@type":["Product","Vehicle"],"name":"Car"}`), "Vehicle.name", "Car"},
		"ValueObject":      {script(`{"@type":"Product","name":{"@value":"Lamp","@language":"en"}}`), "name", "Lamp"},
		"EscapedTwice":     {script(`{"@type":"Product","name":"Lamp &amp; Shade"}`), "name", "Lamp & Shade"},
		"EscapedWhole":     {script(`{&quot;@type&quot;:&quot;Product&quot;,&quot;name&quot;:&quot;Lamp&quot;}`), "name", "Lamp"},
		"TwoDocuments":     {script(`{"@type":"WebSite","name":"Shop"}{"@type":"Product","name":"Lamp"}`), "Product.name", "Lamp"},
		"BrokenThenGood":   {script(`{{{`) + script(`{"@type":"Product","name":"Lamp"}`), "name", "Lamp"},
		"RawLineBreaks":    {script("{\"@type\":\"Product\",\"name\":\"Blue\nLamp\",}"), "name", "Blue Lamp"},
		"CDATA":            {script("//<![CDATA[\n{\"@type\":\"Product\",\"name\":\"Lamp\"}\n//]]>"), "name", "Lamp"},
		"HTMLComment":      {script(`<!-- {"@type":"Product","name":"Lamp"} -->`), "name", "Lamp"},
		"NumberKeepsForm":  {script(`{"@type":"Product","offers":{"price":19.50}}`), "offers.price", "19.50"},
		"BooleanValue":     {script(`{"@type":"Product","isFamilyFriendly":true}`), "isFamilyFriendly", "true"},
		"CaseOfNames":      {script(`{"@type":"Product","Offers":{"Price":"5"}}`), "offers.price", "5"},
		"ScriptTypeParams": {`<script type="application/ld+json; charset=utf-8">{"@type":"Product","name":"Lamp"}</script>`, "name", "Lamp"},
		"InTheBody":        {`<body><p>x</p>` + script(`{"@type":"Product","name":"Lamp"}`), "name", "Lamp"},
		"ItemAsText":       {script(`{"@type":"Product","brand":{"@type":"Brand","name":"Acme"}}`), "brand", "Acme"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, find(t, readPage(t, test.page), propertyField(test.path)))
		})
	}
}

func TestMicrodataIsReadByTheStandard(t *testing.T) {
	t.Parallel()

	product := func(inner string) string {
		return `<div itemscope itemtype="https://schema.org/Product">` + inner + `</div>`
	}
	for name, test := range map[string]struct {
		page, path, want string
	}{
		"Text":           {product(`<b itemprop="name"> Blue <i>Lamp</i> </b>`), "name", "Blue Lamp"},
		"Content":        {product(`<meta itemprop="sku" content="A-1">`), "sku", "A-1"},
		"ContentOnSpan":  {product(`<span itemprop="price" content="19.50">19,50 €</span>`), "price", "19.50"},
		"Href":           {product(`<link itemprop="availability" href="https://schema.org/InStock">`), "availability", "https://schema.org/InStock"},
		"Src":            {product(`<img itemprop="image" src="/a.jpg" alt="x">`), "image", "/a.jpg"},
		"Datetime":       {product(`<time itemprop="releaseDate" datetime="2020-05-01">May</time>`), "releaseDate", "2020-05-01"},
		"DataValue":      {product(`<data itemprop="weight" value="5">five</data>`), "weight", "5"},
		"MeterValue":     {product(`<meter itemprop="score" value="4.5">x</meter>`), "score", "4.5"},
		"Input":          {product(`<input itemprop="productID" value="77">`), "productID", "77"},
		"Object":         {product(`<object itemprop="model" data="/m.bin"></object>`), "model", "/m.bin"},
		"Nested":         {product(`<div itemprop="offers" itemscope itemtype="http://schema.org/Offer"><span itemprop="price">5</span></div>`), "offers.price", "5"},
		"ManyNames":      {product(`<span itemprop="sku mpn">77</span>`), "mpn", "77"},
		"FullName":       {product(`<span itemprop="https://schema.org/sku">77</span>`), "sku", "77"},
		"Itemref":        {product(``) + `<div itemscope itemtype="https://schema.org/Product" itemref="p1"></div><p id="p1"><b itemprop="name">Lamp</b></p>`, "name", "Lamp"},
		"ItemrefRing":    {`<div itemscope itemtype="https://schema.org/Product" id="a" itemref="b"><i itemprop="name">Lamp</i></div><div id="b" itemprop="x" itemscope itemref="a"></div>`, "name", "Lamp"},
		"WithoutScope":   {`<div itemtype="https://schema.org/Product"><i itemprop="name">Lamp</i></div>`, "Product.name", "Lamp"},
		"OutsideOfItems": {`<span itemprop="price" content="5">`, "price", "5"},
		"Itemid":         {product(`<div itemprop="brand" itemscope itemid="urn:acme"></div>`), "brand", "urn:acme"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, find(t, readPage(t, test.page), propertyField(test.path)))
		})
	}
}

func TestRDFaLiteIsRead(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		page, path, want string
	}{
		"Vocab":    {`<div vocab="https://schema.org/" typeof="Product"><span property="name">Lamp</span></div>`, "name", "Lamp"},
		"Prefix":   {`<div typeof="schema:Product"><span property="schema:sku" content="A-1">x</span></div>`, "Product.sku", "A-1"},
		"Nested":   {`<div typeof="Product"><div property="offers" typeof="Offer"><span property="price">5</span></div></div>`, "offers.price", "5"},
		"Href":     {`<div typeof="Product"><a property="url" href="/lamp">x</a></div>`, "url", "/lamp"},
		"Resource": {`<div typeof="Product"><div property="brand" resource="#acme">x</div></div>`, "brand", "#acme"},
		"Datetime": {`<div typeof="Article"><time property="datePublished" datetime="2020-05-01">May</time></div>`, "datePublished", "2020-05-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, find(t, readPage(t, test.page), propertyField(test.path)))
		})
	}
}

func TestMetaElementsAreProperties(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<meta property="og:title" content="Lamp"><meta name="Twitter:Card" content="product">
		<meta property="article:tag" content="a"><meta property="article:tag" content="b"><meta name="empty" content="">`)
	require.Equal(t, "Lamp", find(t, page, propertyField("og:title")))
	require.Equal(t, "product", find(t, page, propertyField("twitter:card")))
	require.Nil(t, find(t, page, propertyField("empty")))
	list := propertyField("article:tag")
	list.Type = field.TypeList
	require.Equal(t, []any{"a", "b"}, find(t, page, list))
}

func TestPropertyPrefersWhatThePageIsAbout(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<title>Blue Lamp | Shop</title>`+
		script(`{"@type":"Organization","name":"Shop","sku":"none"}`)+
		script(`{"@type":"Product","name":"Red Chair","sku":"RC"}`)+
		script(`{"@type":"Product","name":"Blue Lamp","sku":"BL"}`)+`<h1>Blue Lamp</h1>`)
	require.Equal(t, "Blue Lamp", find(t, page, propertyField("name")))
	require.Equal(t, "BL", find(t, page, propertyField("sku")))
	require.Equal(t, "Shop", find(t, page, propertyField("Organization.name")))
	require.Nil(t, find(t, page, propertyField("offers.price")))
}
