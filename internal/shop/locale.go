package shop

import (
	"strconv"
	"strings"
)

// locale is how a page speaks and writes prices.
type locale struct {
	lang     string
	currency string
	// rate is what a euro is worth in the currency, roughly; the shop is no bank.
	rate float64
	// decimals is the number of digits behind the decimal mark, 0 or 2.
	decimals      int
	group, point  string
	before, after string

	home, skuLabel, inStock, outOfStock, add, notify   string
	related, shipping, instead, now, delivery, reviews string
}

// nbsp keeps a price on one line, as good typography does and naive parsers dislike.
const (
	nbsp       = "\u00a0"
	narrowNBSP = "\u202f"
)

var locales = []locale{
	{
		lang: "en-US", currency: "USD", rate: 1.1, decimals: 2, group: ",", point: ".", before: "$",
		home: "Home", skuLabel: "SKU", inStock: "In stock", outOfStock: "Out of stock", add: "Add to cart", notify: "Email me when available",
		related: "You may also like", shipping: "Free shipping on orders over", instead: "List price", now: "Our price", delivery: "Standard delivery", reviews: "Customer reviews",
	},
	{
		lang: "de-DE", currency: "EUR", rate: 1, decimals: 2, group: ".", point: ",", after: nbsp + "€",
		home: "Startseite", skuLabel: "Artikelnummer", inStock: "Auf Lager", outOfStock: "Ausverkauft", add: "In den Warenkorb", notify: "Benachrichtigen",
		related: "Das könnte Ihnen auch gefallen", shipping: "Versandkostenfrei ab", instead: "UVP", now: "Preis", delivery: "Standardversand", reviews: "Kundenbewertungen",
	},
	{
		lang: "en-GB", currency: "GBP", rate: 0.85, decimals: 2, group: ",", point: ".", before: "£",
		home: "Home", skuLabel: "Item no.", inStock: "In stock", outOfStock: "Sold out", add: "Add to basket", notify: "Email me when available",
		related: "You may also like", shipping: "Free delivery over", instead: "RRP", now: "Our price", delivery: "Standard delivery", reviews: "Customer reviews",
	},
	{
		lang: "fr-FR", currency: "EUR", rate: 1, decimals: 2, group: narrowNBSP, point: ",", after: nbsp + "€",
		home: "Accueil", skuLabel: "Référence", inStock: "En stock", outOfStock: "Rupture de stock", add: "Ajouter au panier", notify: "M'avertir",
		related: "Vous aimerez aussi", shipping: "Livraison offerte dès", instead: "Prix conseillé", now: "Prix", delivery: "Livraison standard", reviews: "Avis clients",
	},
	{
		lang: "de-CH", currency: "CHF", rate: 0.95, decimals: 2, group: "'", point: ".", before: "CHF" + nbsp,
		home: "Startseite", skuLabel: "Artikelnummer", inStock: "Sofort lieferbar", outOfStock: "Nicht verfügbar", add: "In den Warenkorb", notify: "Benachrichtigen",
		related: "Passend dazu", shipping: "Portofrei ab", instead: "Statt", now: "Preis", delivery: "Standardversand", reviews: "Kundenbewertungen",
	},
	{
		lang: "sv-SE", currency: "SEK", rate: 11, decimals: 2, group: nbsp, point: ",", after: nbsp + "kr",
		home: "Hem", skuLabel: "Artikelnummer", inStock: "I lager", outOfStock: "Slut i lager", add: "Lägg i varukorgen", notify: "Bevaka",
		related: "Andra köpte också", shipping: "Fri frakt över", instead: "Ord. pris", now: "Pris", delivery: "Standardfrakt", reviews: "Omdömen",
	},
	{
		lang: "ja-JP", currency: "JPY", rate: 160, decimals: 0, group: ",", before: "¥",
		home: "ホーム", skuLabel: "商品番号", inStock: "在庫あり", outOfStock: "在庫切れ", add: "カートに入れる", notify: "入荷お知らせ",
		related: "おすすめ商品", shipping: "送料無料", instead: "参考価格", now: "価格", delivery: "通常配送", reviews: "レビュー",
	},
}

// amount is money in the smallest unit of a locale's currency.
type amount int64

// plain writes an amount as programs do: 1299.00.
func (l locale) plain(a amount) string {
	digits := strconv.FormatInt(int64(a), 10)
	if l.decimals == 0 {
		return digits
	}
	for len(digits) <= l.decimals {
		digits = "0" + digits
	}
	return digits[:len(digits)-l.decimals] + "." + digits[len(digits)-l.decimals:]
}

// price writes an amount as readers of the locale do: 1.299,00 €.
func (l locale) price(a amount) string {
	whole, cents, _ := strings.Cut(l.plain(a), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + l.group + whole[i:]
	}
	if cents != "" {
		whole += l.point + cents
	}
	return l.before + whole + l.after
}

// of turns cents of a euro into a price that looks like one.
func (l locale) of(euroCents int64) amount {
	local := float64(euroCents) * l.rate
	if l.decimals == 0 {
		return amount(int64(local/100/10) * 10) // whole yen, in tens
	}
	whole, cents := int64(local)/100, euroCents%100
	return amount(whole*100 + cents)
}
