package extract

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

// Pages as common kinds of shop software and frameworks write them, in several languages,
// with other products around. None is of a site.
func TestPagesOfManyStyles(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		page              string
		name, sku, amount string
		currency, stock   string
	}{
		"MicrodataOutsideAnItem": {
			`<html lang="fr"><title>Lampe bleue - Boutique</title><h1 itemprop="name">Lampe bleue</h1>
			<span itemprop="sku">LB-204</span><meta itemprop="priceCurrency" content="EUR"><span itemprop="price" content="1249.00">1 249,00 €</span>
			<link itemprop="availability" href="http://schema.org/InStock"><div class="produits-similaires"><span class="price">99,00 €</span></div>`,
			"Lampe bleue", "LB-204", "1249.00", "EUR", "InStock",
		},
		"StateOfNext": {
			`<html lang="en"><title>Copper Kettle 1.7 L | Kitchen</title><div id="__next"><h1>Copper Kettle 1.7 L</h1></div>
			<script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{"product":{"__typename":"Product","name":"Copper Kettle 1.7 L","sku":"KET-17-CU",
			"price":{"amount":"64.90","currency":"GBP"},"availability":"IN_STOCK"},"related":[{"name":"Steel Kettle 2 L","sku":"KET-20","price":{"amount":"44.90","currency":"GBP"},"availability":"OUT_OF_STOCK"}]}}}</script>`,
			"Copper Kettle 1.7 L", "KET-17-CU", "64.90", "GBP", "InStock",
		},
		"StateOfNuxt": {
			`<html lang="nl"><title>Wollen deken grijs | Winkel</title><div id="__nuxt"></div>
			<script>window.__NUXT__={state:{product:{current:{title:"Wollen deken grijs",articleNumber:"WD-88",price:{current:79.95,currencyCode:"EUR"},stockStatus:"out_of_stock"}}}}</script>`,
			"Wollen deken grijs", "WD-88", "79.95", "EUR", "OutOfStock",
		},
		"DataLayerPush": {
			`<html lang="de"><title>Eichentisch rund online kaufen</title><h1>Eichentisch rund</h1>
			<script>window.dataLayer=window.dataLayer||[];dataLayer.push({ecommerce:null});dataLayer.push({event:'view_item',ecommerce:{currency:'EUR',value:899.00,
			items:[{item_id:'ET-120',item_name:'Eichentisch rund',price:899.00,quantity:1}]}});</script><button>In den Warenkorb</button>`,
			"Eichentisch rund", "ET-120", "899.00", "EUR", "InStock",
		},
		"DataLayerOfUniversalAnalytics": {
			`<html lang="it"><title>Sedia pieghevole verde</title><h1>Sedia pieghevole verde</h1>
			<script>dataLayer.push({'ecommerce':{'currencyCode':'EUR','detail':{'products':[{'name':'Sedia pieghevole verde','id':'SPV-3','price':'39.90'}]}}});</script>`,
			"Sedia pieghevole verde", "SPV-3", "39.90", "EUR", "",
		},
		"JSONStringInAScript": {
			`<html lang="en"><title>Trail Backpack 30 | Outdoor</title><h1>Trail Backpack 30</h1>
			<script>window.__STATE__ = JSON.parse("{\"product\":{\"name\":\"Trail Backpack 30\",\"sku\":\"TB30-BLK\",\"price\":{\"value\":\"129.95\",\"currency\":\"USD\"}}}");</script>`,
			"Trail Backpack 30", "TB30-BLK", "129.95", "USD", "",
		},
		"VarMeta": {
			`<html lang="en"><title>Linen Shirt – The Store</title><h1>Linen Shirt</h1><div class="product-single"><span class="money">$48.00</span></div>
			<script>var meta = {"product":{"id":8123456789,"vendor":"Loom","type":"Shirts","variants":[{"id":44112233,"price":4800,"name":"Linen Shirt - S","public_title":"S","sku":"LIN-01-S"}]},"page":{"pageType":"product"}};
			for (var attr in meta) { window.meta[attr] = meta[attr]; }</script><form action="/cart/add"><button name="add">Add to cart</button></form>`,
			"Linen Shirt", "LIN-01-S", "48.00", "USD", "InStock",
		},
		"ProductForm": {
			`<html lang="es"><title>Taza de cerámica azul &#8211; Tienda</title><div class="product type-product post-77 instock"><h1 class="product_title entry-title">Taza de cerámica azul</h1>
			<p class="price"><del><span class="woocommerce-Price-amount amount"><bdi>24,00<span class="woocommerce-Price-currencySymbol">€</span></bdi></span></del>
			<ins><span class="woocommerce-Price-amount amount"><bdi>18,50<span class="woocommerce-Price-currencySymbol">€</span></bdi></span></ins></p>
			<p class="stock in-stock">Hay existencias</p><form class="cart"><button type="submit" name="add-to-cart" value="77" class="single_add_to_cart_button">Añadir al carrito</button></form>
			<div class="product_meta"><span class="sku_wrapper">SKU: <span class="sku">TCA-01</span></span></div></div>
			<section class="related products"><h2>Productos relacionados</h2><ul><li><span class="price"><bdi>12,00€</bdi></span></li></ul></section>`,
			"Taza de cerámica azul", "TCA-01", "18.50", "EUR", "InStock",
		},
		"PriceBox": {
			`<html lang="pl"><title>Zegar ścienny dębowy</title><div class="product-info-main"><h1 class="page-title"><span class="base">Zegar ścienny dębowy</span></h1>
			<div class="price-box price-final_price" data-product-id="512"><span class="special-price"><span class="price-container"><span data-price-amount="189.99" data-price-type="finalPrice" class="price-wrapper"><span class="price">189,99 zł</span></span></span></span>
			<span class="old-price"><span data-price-amount="249.99" data-price-type="oldPrice" class="price-wrapper"><span class="price">249,99 zł</span></span></span></div>
			<div class="stock available" title="Dostępność"><span>Dostępny</span></div><div class="product attribute sku"><strong class="type">SKU</strong><div class="value">ZSD-7</div></div>
			<button type="submit" title="Dodaj do koszyka" class="action primary tocart"><span>Dodaj do koszyka</span></button></div>`,
			"Zegar ścienny dębowy", "ZSD-7", "189.99", "PLN", "InStock",
		},
		"AmountInAnAttribute": {
			`<html lang="en-GB"><title>Garden Bench</title><h1>Garden Bench</h1><div class="buybox"><span class="price-wrapper" data-price-amount="215.5" data-price-type="finalPrice"></span>
			<button>Add to basket</button></div>`,
			"Garden Bench", "", "215.5", "", "InStock",
		},
		"PlainText": {
			`<html lang="cs"><head><title>Dřevěná židle</title></head><body><b><font size="5">Dřevěná židle</font></b><br>Kód zboží: DZ-450<br>Cena: 1 290 Kč<br>Skladem<br></body></html>`,
			"Dřevěná židle", "DZ-450", "1290", "CZK", "",
		},
		"DefinitionList": {
			`<html lang="sv"><title>Ullmatta beige</title><h1>Ullmatta beige</h1><dl><dt>Artikelnummer</dt><dd>UM-310</dd><dt>Pris</dt><dd>2 495 kr</dd><dt>Lagerstatus</dt><dd>Slut i lager</dd></dl>`,
			"Ullmatta beige", "UM-310", "2495", "SEK", "OutOfStock",
		},
		"Japanese": {
			`<html lang="ja"><title>木製トレイ | ショップ</title><h1>木製トレイ</h1><p>商品番号：WT-55</p><p class="price">¥3,480<span>(税込)</span></p><button>カートに入れる</button>`,
			"木製トレイ", "WT-55", "3480", "JPY", "InStock",
		},
		"OpenGraph": {
			`<html lang="pt-BR"><head><title>Garrafa térmica 1 L</title><meta property="og:title" content="Garrafa térmica 1 L"><meta property="product:price:amount" content="149.90">
			<meta property="product:price:currency" content="BRL"><meta property="product:availability" content="out of stock"><meta property="product:retailer_item_id" content="GT-1000"></head><div id="app"></div>`,
			"Garrafa térmica 1 L", "GT-1000", "149.90", "BRL", "OutOfStock",
		},
		"GraphOfJSONLD": {
			`<html lang="en"><title>Desk Lamp</title><script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"WebPage","name":"Desk Lamp"},
			{"@type":["Product","Thing"],"name":"Desk Lamp","sku":"DL-9","offers":[{"@type":"AggregateOffer","lowPrice":"35.00","highPrice":"55.00","priceCurrency":"CAD","offers":[{"@type":"Offer","price":"35.00","availability":"InStock"}]}]}]}</script><h1>Desk Lamp</h1>`,
			"Desk Lamp", "DL-9", "35.00", "CAD", "InStock",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := readPageAt(t, "https://shop.example/p/thing", test.page)
			require.Empty(t, blockedBy(t, page))
			require.Equal(t, test.name, find(t, page, named("name", field.TypeText)))
			money, _ := find(t, page, moneyField).(map[string]any)
			require.Equal(t, test.amount, money["amount"])
			if test.currency != "" {
				require.Equal(t, test.currency, money["currency"])
			}
			for column, want := range map[string]string{"sku": test.sku, "availability": test.stock} {
				if want == "" {
					continue
				}
				require.Equal(t, want, find(t, page, named(column, field.TypeText)), column)
			}
		})
	}
}
