package extract

import "strings"

// Phrases that shops show to readers, in lower case, in the languages of the
// larger markets. A phrase counts when a short text contains it.

var buyPhrases = []string{
	"add to cart", "add to basket", "add to bag", "add to trolley", "add to shopping", "buy now", "buy it now",
	"add to order", "pre-order", "preorder", "order now", "add item", "add to my bag",
	"in den warenkorb", "in den einkaufswagen", "in den korb", "jetzt kaufen", "vorbestellen", "zum warenkorb hinzu",
	"ajouter au panier", "ajouter à mon panier", "ajouter au chariot", "acheter", "précommander", "mettre au panier",
	"aggiungi al carrello", "metti nel carrello", "acquista", "aggiungi alla borsa", "compra ora", "compra subito",
	"añadir al carrito", "añadir a la cesta", "añadir al carro", "agregar al carro", "agregar al carrito",
	"añadir a la bolsa", "añadir a bolsa", "comprar", "agregar a la bolsa", "lo quiero",
	"adicionar ao carrinho", "adicionar à sacola", "adicionar ao cesto", "colocar no carrinho",
	"in winkelwagen", "in winkelmand", "in mijn winkel", "bestellen", "in mandje",
	"do koszyka", "kup teraz", "do košíka", "do košíku", "koupit", "kúpiť", "vložiť do",
	"в корзину", "купить", "в кошик", "купити", "добави в количка", "купи",
	"sepete ekle", "hemen al", "lägg i varukorg", "lägg i kundvagn", "köp nu", "læg i kurv", "tilføj til kurv",
	"læg i indkøbskurv", "legg i handlekurv", "legg i handlevogn", "kjøp", "lisää ostoskoriin", "lisää koriin",
	"kosárba", "adaugă în coș", "adauga in cos", "cumpără", "dodaj u košaricu", "v košarico", "u korpu",
	"προσθήκη στο καλάθι", "στο καλάθι", "カートに入れる", "カートに追加", "今すぐ買う", "購入手続き",
	"加入购物车", "加入購物車", "立即购买", "立即購買", "放入購物車", "加到購物車", "我要購買", "马上抢",
	"장바구니", "구매하기", "바로구매", "바로 구매", "หยิบใส่ตะกร้า", "ใส่รถเข็น", "ซื้อเลย", "thêm vào giỏ", "mua ngay",
	"tambah ke keranjang", "beli sekarang", "أضف إلى السلة", "أضف للسلة", "اشتري الآن", "הוסף לסל", "הוספה לסל",
}

// soldOutPhrases are fewer than package parse knows: it reads a text that is known to
// be about availability, while these are looked for among all texts of a page, where
// "ended" or "no" can be about anything.
var soldOutPhrases = []string{
	"out of stock", "out-of-stock", "sold out", "currently unavailable", "temporarily unavailable",
	"no longer available", "currently not available", "is not available", "item is unavailable", "product is unavailable",
	"discontinued", "not in stock", "this listing has ended", "this listing was ended", "has been sold",
	"ausverkauft", "nicht verfügbar", "nicht lieferbar", "nicht auf lager", "vergriffen", "nicht mehr lieferbar",
	"rupture de stock", "en rupture", "épuisé", "indisponible", "non disponible", "plus disponible",
	"esaurito", "non disponibile", "non è disponibile", "agotado", "sin stock", "no disponible", "sin existencias",
	"esgotado", "indisponível", "fora de estoque", "sem estoque", "sem stock",
	"uitverkocht", "niet op voorraad", "niet leverbaar", "niet beschikbaar", "niet meer leverbaar",
	"brak w magazynie", "niedostępny", "wyprzedan", "brak towaru", "vyprodán", "není skladem", "nedostupn",
	"vypredan", "nie je skladom", "нет в наличии", "распродан", "товар закончился", "нет на складе",
	"снят с продажи", "немає в наявності", "изчерпан", "няма наличност", "tükendi", "stokta yok", "stokta bulunm",
	"slut i lager", "slutsåld", "ej i lager", "udsolgt", "ikke på lager", "utsolgt", "loppu varastosta", "loppuunmyyty",
	"ei saatavilla", "elfogyott", "nincs raktáron", "nem elérhető", "stoc epuizat", "indisponibil", "rasprodano",
	"razprodano", "ni na zalogi", "nije dostupno", "εξαντλημένο", "εξαντλήθηκε", "μη διαθέσιμο", "在庫切れ", "売り切れ",
	"品切れ", "在庫なし", "缺货", "缺貨", "售完", "售罄", "補貨中", "无货", "無庫存", "完售", "已下架", "품절", "매진",
	"판매종료", "판매 종료", "สินค้าหมด", "hết hàng", "stok habis", "غير متوفر", "نفدت الكمية", "אזל מהמלאי", "אזל המלאי",
}

// relatedHeadings open the part of a page that shows other products.
var relatedHeadings = []string{
	"related", "you may also", "you might also", "you may like", "you might like", "similar", "customers who",
	"customers also", "also bought", "also viewed", "frequently bought", "recommended", "recommendations", "recently viewed",
	"compare with", "sponsored", "more from", "more like this", "people who", "others also", "complete the look",
	"inspired by", "best sellers", "other sellers", "shop the look", "goes well with", "accessories",
	"ähnliche", "kunden", "das könnte", "dazu passt", "zubehör", "zuletzt angesehen", "empfehlung", "auch gekauft",
	"produits similaires", "vous aimerez", "les clients", "vous pourriez", "à voir aussi", "complétez", "récemment",
	"prodotti simili", "potrebbe", "potrebbero", "chi ha", "clienti", "correlati", "visti di recente", "altri clienti",
	"productos relacionados", "también te", "también podría", "te puede interesar", "quizás", "productos similares",
	"los clientes", "relacionados", "quem viu", "quem comprou", "você também", "também poderá", "recomendados",
	"gerelateerd", "bekijk ook", "anderen", "aanbevolen", "podobne", "podobné", "polecane", "klienci", "mohlo by",
	"doporuč", "odporúč", "súvisiace", "související", "príslušenstvo", "похожие", "с этим товаром", "рекоменд", "вам может",
	"benzer", "liknande", "relaterade", "lignende", "relaterede", "andre kunder", "andra köpte", "samankalt",
	"hasonló", "produse similare", "関連", "おすすめ", "この商品を", "相关", "相關", "推荐", "推薦", "您可能", "猜你喜欢",
	"관련", "추천", "함께", "비슷한", "สินค้าที่เกี่ยวข้อง", "sản phẩm liên quan", "produk terkait",
}

// formerPhrases stand before a price that is not asked any more, or before an
// amount that is not the price.
var formerPhrases = []string{
	"was", "rrp", "msrp", "list price", "list:", "you save", "save", "regular price", "old price", "retail price", "compare at",
	"originally", "typical price", "statt", "uvp", "bisher", "sie sparen", "listenpreis", "versand", "zzgl", "ersparnis",
	"au lieu de", "prix conseillé", "économisez", "livraison", "prix public", "ancien prix", "prezzo consigliato",
	"risparmi", "anziché", "prezzo di listino", "spedizione", "antes", "ahorra", "precio anterior", "envío", "pvp",
	"precio normal", "precio de lista", "de:", "economia", "frete", "economize", "van", "adviesprijs", "je bespaart", "verzend",
	"cena katalogowa", "oszczędzasz", "wysyłka", "poprzednia cena", "najniższa cena", "původní cena", "běžná cena",
	"ušetříte", "pôvodná cena", "bežná cena", "ušetríte", "старая цена", "экономия", "доставка", "скидка",
	"ordinarie", "du sparar", "tidligere", "førpris", "du sparer", "原價", "原价", "市價", "市价", "定價", "建議售價",
	"折扣", "運費", "定価", "参考価格", "送料", "정가", "배송", "할인", "shipping", "delivery", "postage", "deposit",
	"used", "gebraucht", "occasion", "usato", "segunda mano", "from another", "in stock", "points", "per month",
	"installment", "monthly", "up to", "over", "under", "ab einem", "dès", "bestellungen über", "orders over",
	"discount", "coupon", "gift card", "get a", "pay ", "subscribe", "spar-abo", "abonnement", "total price", "gesamtpreis",
}

// presentPhrases stand before the price that is asked.
var presentPhrases = []string{
	"price", "now", "our price", "deal", "special", "buy new", "preis", "jetzt", "nur", "prix", "maintenant", "prezzo",
	"ora", "precio", "ahora", "internet", "preço", "por", "cena", "teraz", "prijs", "voor", "цена", "pris", "hinta",
	"fiyat", "ár", "preț", "pret", "τιμή", "価格", "售價", "售价", "特價", "優惠價", "价格", "價格", "價", "价", "판매가", "가격", "ราคา",
	"giá", "harga", "السعر", "מחיר",
}

func containsAny(s string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
