package parse

import (
	"regexp"
	"strings"
)

// The two availabilities, as schema.org spells them.
const (
	InStock    = "InStock"
	OutOfStock = "OutOfStock"
)

// availabilityTerms are schema.org's, with the terms of shopping feeds. What can be
// ordered now, if only for later delivery, is in stock; what cannot is not.
var availabilityTerms = map[string]string{
	"instock": InStock, "instoreonly": InStock, "onlineonly": InStock, "limitedavailability": InStock,
	"preorder": InStock, "presale": InStock, "backorder": InStock, "madetoorder": InStock,
	"availablefororder": InStock, "lowstock": InStock,
	"outofstock": OutOfStock, "soldout": OutOfStock, "discontinued": OutOfStock, "reserved": OutOfStock,
	"oos": OutOfStock, "notinstock": OutOfStock,
}

// Phrases for "cannot be bought" go first: most of them contain one for "can".
//
//nolint:gosmopolitan,misspell // the words of many languages are what is looked for
var (
	outPhrases = phrases(
		`out of stock|sold[ -]?out|unavailable|not (?:currently |yet )?available|no longer (?:available|sold)|not in stock|not for sale|no stock|\b0 (?:in stock|left|available)|discontinued|back in stock|notify me when|coming soon|awaiting stock|temporarily out|ended`,
		`ausverkauft|vergriffen|nicht (?:mehr )?(?:auf lager|lieferbar|verfügbar|vorrätig|erhältlich|lagernd|bestellbar)|derzeit nicht|zurzeit nicht|momentan nicht|nicht am lager`,
		`rupture|épuisé|indisponible|non disponible|plus (?:disponible|en stock)|pas (?:disponible|en stock)|hors stock|victime de son succès`,
		`agotado|no disponible|sin (?:stock|existencias)|no hay (?:stock|existencias)|fuera de stock`,
		`esaurito|non (?:più )?disponibile|terminato|fuori produzione`,
		`uitverkocht|niet (?:meer |op )?(?:voorraad|leverbaar|beschikbaar)|niet op voorraad`,
		`esgotado|avise-me|não disponível|indisponível|sem estoque|sem stock`,
		`niedostępn|wyprzedan|brak w magazynie|brak towaru`,
		`slutsåld|slut i lager|inte i lager|ej i lager|ikke på lager|udsolgt|utsolgt|ei varastossa|loppuunmyyty|loppu varastosta`,
		`vyprodáno|není skladem|nedostupné|vypredané|elfogyott|nincs raktáron|nincs készleten|stoc epuizat|indisponibil|nu este (?:în|in) stoc|rasprodano|nije dostup`,
		`нет в наличии|немає в наявності|распродан|закончился|изчерпан|εξαντλ|μη διαθέσιμ`,
		`tükendi|stokta yok|غير متوفر|نفد|نفذ|אזל|売り切れ|在庫切れ|在庫なし|品切れ|入荷待ち|缺货|缺貨|售罄|无货|無貨|품절|재고 없음|hết hàng|stok habis|habis terjual|สินค้าหมด`,
	)
	inPhrases = phrases(
		`in stock|available|left in stock|only \d+ left|\d+ left|ready to ship|ships (?:in|within|from|today|tomorrow)|pre-?order|add to (?:cart|basket|bag|trolley)|buy (?:it )?now|backorder|made to order|on order|low stock`,
		`auf lager|lieferbar|verfügbar|vorrätig|lagernd|am lager|sofort versandfertig|versandfertig|in den warenkorb|vorbestell|bestellbar`,
		`en stock|disponible|ajouter au panier|précommande`,
		`hay existencias|añadir al carrito|agregar al carrito|en existencia`,
		`disponibile|disponibilità immediata|aggiungi al carrello|pronta consegna`,
		`op voorraad|leverbaar|beschikbaar|in winkelwagen|in winkelmand`,
		`em estoque|em stock|disponível|adicionar ao carrinho|pronta entrega`,
		`dostępn|w magazynie|na stanie|do koszyka`,
		`i lager|på lager|varastossa|köp nu|læg i kurv`,
		`skladem|na sklade|na objedn|raktáron|készleten|în stoc|in stoc|na zalihi|na skladištu|dostup`,
		`в наличии|есть на складе|в наявності|в корзину|налично|διαθέσιμ|σε απόθεμα`,
		`stokta|sepete ekle|متوفر|متاح|במלאי|在庫あり|有货|有貨|现货|現貨|재고 있음|còn hàng|tersedia|มีสินค้า`,
	)
)

// picture matches what shops write in the place of a missing photograph.
var picture = regexp.MustCompile(`\b(?:image|picture|photo|bild|foto|immagine|imagen|imagem|afbeelding)\b`)

func phrases(byLanguage ...string) *regexp.Regexp {
	return regexp.MustCompile(strings.Join(byLanguage, "|"))
}

// Availability gives InStock or OutOfStock for a schema.org term, with or without its
// URL and in any spelling, for a word for yes or no, or for a phrase that contains a
// common wording in one of some thirty languages.
func Availability(s string) (string, error) {
	s = strings.ToLower(beginning(Text(s), maxPhrase))
	if s == "" {
		return "", ErrEmpty
	}
	if known, ok := availabilityTerms[compact(schemaTerm(s))]; ok {
		return known, nil
	}
	if b, err := Boolean(s); err == nil {
		if b {
			return InStock, nil
		}
		return OutOfStock, nil
	}
	s = strings.ReplaceAll(s, "_", " ")
	switch {
	case picture.MatchString(s):
	case outPhrases.MatchString(s):
		return OutOfStock, nil
	case inPhrases.MatchString(s):
		return InStock, nil
	}
	return "", ErrAvailability
}

var schemaPrefix = regexp.MustCompile(`(?i)^(?:https?:)?//(?:www\.)?schema\.org/+|^schema:(?://)?(?:schema\.org/)?`)

// schemaTerm removes the address of schema.org in front of a term.
func schemaTerm(s string) string { return schemaPrefix.ReplaceAllString(s, "") }
