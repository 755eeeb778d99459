package extract

// Words that authors of pages use in names of classes and ids. They are English
// almost everywhere, whatever the language of the page; names in other languages
// are there where shops commonly use them.

func wordSet(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

var hiddenWords = wordSet("hidden", "hide", "invisible", "offscreen", "sronly", "dnone")

var wordTraits = map[string]trait{
	"footer": traitAside, "navbar": traitAside, "nav": traitAside, "navigation": traitAside,
	"breadcrumb": traitAside, "breadcrumbs": traitAside, "menu": traitAside, "megamenu": traitAside,
	"topbar": traitAside, "sitemap": traitAside, "newsletter": traitAside, "cookie": traitAside, "cookies": traitAside,

	"related": traitRelated, "recommendation": traitRelated, "recommendations": traitRelated,
	"recommended": traitRelated, "recommends": traitRelated, "recos": traitRelated, "reco": traitRelated,
	"similar": traitRelated, "similars": traitRelated, "upsell": traitRelated, "upsells": traitRelated,
	"crosssell": traitRelated, "crosssells": traitRelated, "crossell": traitRelated, "crossselling": traitRelated,
	"alternative": traitRelated, "alternatives": traitRelated, "sponsored": traitRelated,
	"suggestion": traitRelated, "suggestions": traitRelated, "suggested": traitRelated,
	"bestseller": traitRelated, "bestsellers": traitRelated, "complementary": traitRelated,
	"accessories": traitRelated, "accessory": traitRelated, "bundle": traitRelated, "bundles": traitRelated,
	"carousel": traitRelated, "recently": traitRelated, "advert": traitRelated, "ads": traitRelated,

	"review": traitReview, "reviews": traitReview, "comment": traitReview, "comments": traitReview,
	"testimonial": traitReview, "testimonials": traitReview, "questions": traitReview,

	"minicart": traitCart, "minibasket": traitCart, "wishlist": traitCart, "cartsummary": traitCart,

	"strikethrough": traitStruck, "linethrough": traitStruck, "crossed": traitStruck, "strike": traitStruck,
	"striked": traitStruck, "strikeout": traitStruck, "striken": traitStruck,

	"btn": traitButton, "button": traitButton,

	"swatch": traitChoice, "swatches": traitChoice, "option": traitChoice, "options": traitChoice,
}

// pairTraits are for two words in a row.
var pairTraits = map[string]trait{
	"line through": traitStruck, "crossed out": traitStruck, "strike through": traitStruck,
	"cross sell": traitRelated, "cross sells": traitRelated, "cross selling": traitRelated, "up sell": traitRelated,
	"up sells": traitRelated, "also like": traitRelated, "also bought": traitRelated, "also viewed": traitRelated,
	"product list": traitRelated, "product grid": traitRelated, "product tile": traitRelated,
	"product tiles": traitRelated, "product slider": traitRelated, "product carousel": traitRelated,
	"product teaser": traitRelated, "products list": traitRelated, "products grid": traitRelated,
	"item list": traitRelated, "last viewed": traitRelated, "last seen": traitRelated, "other products": traitRelated,
	"more products": traitRelated, "frequently bought": traitRelated,
	"mini cart": traitCart, "cart items": traitCart, "shopping cart": traitCart, "mini basket": traitCart,
	"header cart": traitCart, "cart dropdown": traitCart,
	"sr only": traitHidden, "visually hidden": traitHidden, "screen reader": traitHidden, "display none": traitHidden,
	"d none": traitHidden,
}

// Words that surround prices.
var (
	priceWords = wordSet("price", "prices", "pricing", "preis", "preise", "prix", "prezzo", "prezzi", "precio", "precios",
		"preco", "precos", "cena", "ceny", "prijs", "pris", "priser", "fiyat", "hinta", "amount", "pricebox", "pricetag",
		"priceblock", "pricewrap", "pricewrapper", "productprice", "saleprice", "finalprice", "prc", "cost", "harga", "gia")

	presentWords = wordSet("sale", "current", "final", "now", "special", "our", "ourprice", "deal", "dealprice", "actual",
		"sell", "selling", "new", "promo", "promotion", "main", "primary", "reduced", "saleprice", "finalprice", "today",
		"buybox", "inside", "salesprice", "sales", "offer", "big", "detail")

	formerWords = wordSet("old", "was", "before", "original", "regular", "list", "listprice", "oldprice", "msrp", "rrp",
		"uvp", "retail", "former", "previous", "prev", "strike", "compare", "basis", "standard", "reference", "vorher", "statt",
		"normal", "market", "suggested", "barred", "barre", "tachado", "listino", "initial", "durchgestrichen", "fullprice",
		"advice", "consigliato", "conseille")

	formerPairs = wordSet("full price", "price full")

	otherPriceWords = wordSet("save", "saved", "saving", "savings", "discount", "discounts", "rabatt", "coupon", "voucher",
		"shipping", "delivery", "versand", "livraison", "unit", "ppu", "perunit", "installment", "installments",
		"instalment", "instalments", "monthly", "month", "finance", "financing", "credit", "used", "points", "point",
		"subscription", "subscribe", "total", "subtotal", "deposit", "threshold", "cashback", "bonus", "gift",
		"giftcard", "warranty", "insurance", "filter", "range", "min", "max", "minimum", "rate", "rating", "count", "qty",
		"quantity", "stock", "reward", "rewards", "loyalty", "member", "club", "emi", "klarna", "afterpay", "paypal",
		"tax", "duty", "fee", "fees", "tradein", "bid", "bids", "timer", "countdown", "weight", "size", "score", "percent")
)
