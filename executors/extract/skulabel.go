package extract

import (
	"regexp"
	"strings"
)

var (
	idText      = `([A-Za-z0-9][A-Za-z0-9./_\-]{1,38}[A-Za-z0-9])`
	strongLabel = regexp.MustCompile(`(?i)(?:^|[\s(|•·/])(?:` +
		`sku|s\.k\.u\.?|item\s?(?:no|nr|num|number|id|code|#)|product\s?(?:no|nr|num|number|id|code|#)|stock\s?(?:no|number|code)|` +
		`article\s?(?:no|nr|number|code|id)|art(?:ikel)?[.\s-]*(?:nr|no|nummer|num|n°|nº)|art\.|artnr|bestell[\s-]?(?:nr|nummer)|best[.\s-]*nr|` +
		`produkt[\s-]?(?:nr|nummer|id)|catalog(?:ue)?\s?(?:no|number|#)|catalog\s?code|` +
		`(?:nr|numer)\s?ref(?:erencyjny)?|numer\s?(?:katalogowy|produktu|artykułu)|kod\s?(?:produktu|towaru)|kód\s?(?:tovaru|produktu|zboží)?|` +
		`(?:objednávacie|objednací|katalogové)\s?číslo|артикул|код\s?(?:товара|товару|продукта)?|` +
		`cod(?:ice)?\.?\s?(?:articolo|prodotto|art|prod)|c[óo]d(?:igo)?\.?\s?(?:do |del |de )?(?:produto|producto|artículo|art|prod)?|` +
		`r[ée]f(?:[ée]rence)?\.?(?:\s?(?:produit|article))?|referencia|referência|` +
		`ürün\s?kodu|stok\s?kodu|vare?[\s-]?(?:nr|nummer)|tuotenumero|tuotekoodi|cikkszám|termékkód|cod\s?produs|šifra|` +
		`商品(?:编号|編號|番号|コード|號|号|代碼|ID)|品番|貨號|货号|型號|상품\s?(?:번호|코드)|รหัสสินค้า|mã\s?(?:sản phẩm|sp|hàng)|kode\s?produk` +
		`)\s*[.:：#№°º)]*\s*`)
	weakLabel = regexp.MustCompile(`(?i)(?:^|\s)(?:model|modell|modèle|modello|modelo|модель|ref|part|style|design|id)\s?(?:no|nr|number|code|#|id)?\s*[.:：#№]+\s*`)
	idOnly    = regexp.MustCompile(`^[#:\s]*` + idText + `[\s.,;)]*$`)
	idStart   = regexp.MustCompile(`^[#:\s]*` + idText + `(?:[\s,;)|]|$)`)
)

// voteLabelledSKUs votes for what follows a label such as "Item No:".
func (p *Page) voteLabelledSKUs(b *ballot) {
	l := p.layout()
	seen := map[string]bool{}
	for i, r := range l.runs {
		p.watch.step()
		if len(r.text) > 120 {
			continue
		}
		label, weight := strongLabel.FindStringIndex(r.text), weightLabel
		if label == nil {
			label, weight = weakLabel.FindStringIndex(r.text), weightWeakLabel
		}
		if label == nil || label[0] > 40 {
			continue
		}
		if l.traits(r.frame)&(traitRelated|traitReview|traitCart|traitAside) != 0 {
			continue
		}
		if l.other[r.index] {
			weight *= 0.6
		}
		id := labelledID(r.text[label[1]:], label[1] == len(r.text), l.runs[i+1:])
		if id == "" || seen[idKey(id)] || len(idKey(id)) < 3 {
			continue
		}
		seen[idKey(id)] = true
		voteID(b, id, "page \""+strings.TrimSpace(r.text[:min(label[1], 40)])+"\"", weight)
	}
}

// labelledID is the identifier behind a label: in the same run, or in the next.
func labelledID(rest string, labelEnds bool, next []run) string {
	if m := idStart.FindStringSubmatch(rest); m != nil && !labelEnds {
		return m[1]
	}
	if strings.Trim(rest, " :#.") != "" {
		return ""
	}
	for i, r := range next {
		if i > 1 {
			break
		}
		if m := idOnly.FindStringSubmatch(r.text); m != nil && strings.ContainsAny(m[1], "0123456789") {
			return m[1]
		}
		if strings.Trim(r.text, " :#.") != "" {
			break
		}
	}
	return ""
}
