package extract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

// shopPage is a page without structured data around a buy box.
func shopPage(box string) string {
	return `<html lang="de"><head><title>Blue Lamp | Shop</title></head><body>
	<nav class="menu"><a href="/sale">Sale up to 500 €</a></nav><div class="minicart"><span class="price">70,00 €</span></div>
	<h1>Blue Lamp</h1>` + box + `
	<h2>You may also like</h2><ul><li><a href="/a">Red Chair</a> <span class="price">99,00 €</span></li>
	<li><a href="/b">Green Sofa</a> <span class="price">98,00 €</span></li></ul><footer>Free delivery over 50 €</footer></body></html>`
}

func TestPriceIsSeenOnThePage(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ box, amount string }{
		"NamedElement":     {`<span class="price">19,50 €</span>`, "19.50"},
		"CamelCaseName":    {`<span id="productPriceValue">19,50 €</span>`, "19.50"},
		"LabelledText":     {`<p>Preis: <b>19,50 €</b></p><button>In den Warenkorb</button>`, "19.50"},
		"StruckBefore":     {`<del>29,50 €</del> <ins class="price">19,50 €</ins>`, "19.50"},
		"OldPriceByName":   {`<span class="price price--old">29,50 €</span><span class="price price--current">19,50 €</span>`, "19.50"},
		"StruckByStyle":    {`<span class="price" style="text-decoration: line-through">29,50 €</span><span class="price">19,50 €</span>`, "19.50"},
		"OldPriceByLabel":  {`<div class="price">UVP <i>29,50 €</i></div><div class="price">Jetzt <i>19,50 €</i></div>`, "19.50"},
		"UnitPriceBeside":  {`<div class="price">19,50 €</div><div class="price">3,90 € / 100 ml</div>`, "19.50"},
		"ShippingBeside":   {`<div class="price">19,50 €</div><div class="shipping">Versand: 4,90 €</div>`, "19.50"},
		"InstallmentsNext": {`<div class="price">19,50 €</div><div class="price installments">12 x 1,63 €</div>`, "19.50"},
		"SavingsBeside":    {`<div class="savings">You save 10,00 €</div><div class="price">19,50 €</div>`, "19.50"},
		"SplitIntoParts":   {`<div class="price"><span>19</span><sup>50</sup><span>€</span></div>`, "19.50"},
		"SplitWithoutSup":  {`<div class="price"><span>1.299</span><span class="cents">00</span> <span>€</span></div>`, "1299.00"},
		"BareNumber":       {`<div class="price">19,50</div><button>In den Warenkorb</button>`, "19.50"},
		"InTheBuyButton":   {`<button>Jetzt kaufen <b>19,50 €</b></button>`, "19.50"},
		"HiddenSeparately": {`<div class="price" hidden>29,50 €</div><div class="price">19,50 €</div>`, "19.50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPage(t, shopPage(test.box))
			got, ok := find(t, page, moneyField).(map[string]any)
			require.True(t, ok)
			require.Equal(t, test.amount, got["amount"])
		})
	}
	t.Run("NoPriceWhereNoneBelongsToTheProduct", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, find(t, readPage(t, shopPage(`<p>Call us.</p>`)), moneyField))
		require.Nil(t, find(t, readPage(t, shopPage(`<p>Currently unavailable</p>`)), moneyField))
	})
	t.Run("FormerPrice", func(t *testing.T) {
		t.Parallel()
		page := readPage(t, shopPage(`<del>29,50 €</del> <ins class="price">19,50 €</ins>`))
		require.Equal(t, eur("29.50"), find(t, page, named("list_price", field.TypeMoney)))
		page = readPage(t, shopPage(`<ins class="price">19,50 €</ins>`))
		require.Nil(t, find(t, page, named("list_price", field.TypeMoney)))
	})
}

func TestSharedCurrencySignMeansTheLocalCurrency(t *testing.T) {
	t.Parallel()

	body := func(lang string) string {
		return `<html lang="` + lang + `"><title>Blue Lamp</title><h1>Blue Lamp</h1><p class="price">$ 1.990</p><button>Add to cart</button>`
	}
	for name, test := range map[string]struct{ address, lang, code string }{
		"ByLanguage": {"https://shop.example/x", "es-CL", "CLP"},
		"ByAddress":  {"https://shop.example.au/x", "en", "AUD"},
		"ByNeither":  {"https://shop.example/x", "en", "USD"},
		"NotItsSign": {"https://shop.example.de/x", "de-DE", "USD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPageAt(t, test.address, body(test.lang))
			require.Equal(t, map[string]any{"amount": "1990", "currency": test.code}, find(t, page, moneyField))
			require.Equal(t, test.code, find(t, page, named("currency", field.TypeText)))
		})
	}
}

func TestAvailabilityIsSeenOnThePage(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		box  string
		want any
	}{
		"EnabledButton":      {`<button>In den Warenkorb</button>`, "InStock"},
		"InputButton":        {`<input type="submit" value="Add to basket">`, "InStock"},
		"LinkAsButton":       {`<a href="#" class="btn">Ajouter au panier</a>`, "InStock"},
		"ButtonByItsName":    {`<button id="add-to-cart-button"><i></i></button>`, "InStock"},
		"DisabledAlone":      {`<button disabled>Add to cart</button>`, nil},
		"DisabledAndSoldOut": {`<button disabled>Add to cart</button><p>Sold out</p>`, "OutOfStock"},
		"SoldOutAlone":       {`<p class="stock">Derzeit nicht verfügbar.</p>`, "OutOfStock"},
		"SoldOutElsewhere":   {`<div class="related"><p>Sold out</p></div>`, nil},
		"VariantSoldOut":     {`<select><option>XL (sold out)</option></select><button>Add to cart</button>`, "InStock"},
		"HiddenNotice":       {`<p style="display: none">Out of stock</p><button>Add to cart</button>`, "InStock"},
		"Silence":            {`<p>A lamp.</p>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, find(t, readPage(t, shopPage(test.box)), named("availability", field.TypeText)))
		})
	}
}

func TestSKU(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		address, box string
		want         any
	}{
		"LabelInOneText":   {"/p/lamp", `<p>Product code: 83050303</p>`, "83050303"},
		"LabelAndNext":     {"/p/lamp", `<table><tr><td>Item No :</td><td>awe299</td></tr></table>`, "awe299"},
		"LabelInGerman":    {"/p/lamp", `<p>Bestellnummer 106606</p>`, "106606"},
		"LabelInRussian":   {"/p/lamp", `<p>Артикул: AB-77/2</p>`, "AB-77/2"},
		"LabelInJapanese":  {"/p/lamp", `<p>商品番号：X-1001</p>`, "X-1001"},
		"NotOfOthers":      {"/p/lamp", `<div class="related"><p>SKU: 5555</p></div>`, nil},
		"NamedElement":     {"/p/lamp", `<span data-qa-qualifier="product-reference">1044/320</span>`, "1044/320"},
		"DataAttribute":    {"/p/lamp", `<div data-sku="BL-77"></div>`, "BL-77"},
		"FormField":        {"/p/lamp", `<input type="hidden" name="sku" value="BL-77">`, "BL-77"},
		"StructuredData":   {"/p/lamp", script(`{"@type":"Product","name":"Blue Lamp","sku":"BL-77"}`), "BL-77"},
		"ProductIDPrefix":  {"/p/lamp", script(`{"@type":"Product","name":"Blue Lamp","productID":"sku:280"}`), "280"},
		"MetaElement":      {"/p/lamp", `<meta property="product:retailer_item_id" content="BL-77">`, "BL-77"},
		"AddressConfirmed": {"/lamp-112949990", `<script>var p = {productId: "112949990"}; track({item_id: 112949990, "id":"112949990"})</script>`, "112949990"},
		"AddressAlone":     {"/lamp-112949990", ``, nil},
		"LabelOverData": {"/p/lamp", `<p class="product-code">Product code: 83050303</p>` +
			script(`{"@type":"Product","name":"Blue Lamp","sku":"234102422"}`), "83050303"},
		"ScriptState":   {"/p/lamp", `<script>window.meta = {"product":{"name":"Blue Lamp","variants":[{"name":"Blue Lamp","sku":"1257009"}]}};</script>`, "1257009"},
		"NoNumberAtAll": {"/p/lamp", `<p>SKU: none</p>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPageAt(t, "https://shop.example"+test.address, shopPage(test.box))
			require.Equal(t, test.want, find(t, page, named("sku", field.TypeText)))
		})
	}
}

func TestPriceFromTheStateOfAScript(t *testing.T) {
	t.Parallel()

	page := func(state string) string {
		return `<title>Blue Lamp | Shop</title><div id="root"></div>` + state
	}
	for name, test := range map[string]struct {
		state string
		want  any
	}{
		"JSONBlock":     {`<script id="s" type="application/json">{"props":{"product":{"name":"Blue Lamp","price":"19.50"},"others":[{"name":"Red Chair","price":"99.00"}]}}</script>`, "19.50"},
		"Assignment":    {`<script>window.__STATE__ = {product: {title: 'Blue Lamp', price: {value: 19.5}}};</script>`, "19.5"},
		"Argument":      {`<script>dataLayer.push({'ecommerce':{'detail':{'products':[{'name':'Blue Lamp','price':'19.50'}]}}});</script>`, "19.50"},
		"CentsBeside":   {`<script>var p = {name:"Blue Lamp",price:"19.50",variants:[{name:"Blue Lamp",price:1950}]}</script>`, "19.50"},
		"OtherProducts": {`<script>var p = [{name:"Red Chair",price:"99.00"}]</script>`, nil},
		"OnlyWhole":     {`<script>var p = {name:"Blue Lamp",price:1950}</script>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := find(t, readPage(t, page(test.state)), moneyField)
			if test.want == nil {
				require.Nil(t, got)
				return
			}
			require.Equal(t, map[string]any{"amount": test.want}, got)
		})
	}
}
