package extract

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

// everyField asks for all that can be asked for.
func everyField() []field.Field {
	fields := []field.Field{
		{Name: "property", Type: field.TypeText, Extract: &field.Extract{Property: "offers.price"}},
		{Name: "css", Type: field.TypeList, Extract: &field.Extract{CSS: "body *"}},
		{Name: "jsonpath", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$..a"}},
		{Name: "regex", Type: field.TypeList, Extract: &field.Extract{Regex: `(\d+)`}},
		{Name: "siblings", Type: field.TypeList, Extract: &field.Extract{CSS: "i ~ b"}},
		{Name: "unknown_name", Type: field.TypeText},
		{Name: "list_price", Type: field.TypeMoney},
	}
	for name, kind := range map[string]field.Type{
		"name": field.TypeText, "price": field.TypeMoney, "availability": field.TypeBoolean, "sku": field.TypeText,
		"image": field.TypeURL, "images": field.TypeList, "description": field.TypeText, "rating": field.TypeNumber,
		"date_published": field.TypeDate, "category": field.TypeList, "currency": field.TypeText, "url": field.TypeURL,
	} {
		fields = append(fields, field.Field{Name: name, Type: kind})
	}
	return fields
}

// Nothing panics, and what is found can be written as JSON.
func FuzzPage(f *testing.F) {
	for _, seed := range []string{
		fullProduct, shopPage(`<del>29,50 €</del><ins class="price">19<sup>50</sup> €</ins><button disabled>Add to cart</button>`),
		`<div itemscope itemref="a" id="a"><div itemprop="x" itemscope itemref="a"></div></div>`,
		`<div typeof="Product"><i property="price">1</i></div><h1></h1><title></title>`,
		script(`{"@graph":[{"@id":"#a","x":{"@id":"#b"}},{"@id":"#b","x":{"@id":"#a"}}]}`),
		`{"a":{"a":[1,"2",null]}}`, "\xff\xfe<\x00h\x001\x00>\x00", `<script>x={name:"a",price:{value:1}}</script>`, "Access denied",
	} {
		f.Add([]byte(seed), "text/html", "https://shop.example/p/lamp-12345?sku=A1#v=2")
		f.Add([]byte(seed), "", "")
	}
	f.Add([]byte(`{"a":1}`), "application/json; charset=utf-16", "http://[::1]:80/%zz")
	fields := everyField()
	f.Fuzz(func(t *testing.T, body []byte, contentType, address string) {
		u, err := url.Parse(address)
		if err != nil {
			u = nil
		}
		page, err := New(t.Context(), body, contentType, u)
		if err != nil {
			return
		}
		_ = page.Title()
		_ = blockedBy(t, page)
		result := fieldsOf(t, page, fields)
		require.Len(t, result.Sources, len(result.Values))
		_, err = json.Marshal(result)
		require.NoError(t, err)
	})
}
