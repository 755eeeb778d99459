package extract

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// productTruth is what a benchmark says of one page: for each attribute the accepted
// values, none when the page has no such thing.
type productTruth struct {
	URL          string   `json:"url"`
	Price        []string `json:"price"`
	SKU          []string `json:"sku"`
	Availability []string `json:"availability"`
}

// productsData is the folder of real product pages: beside the checkout, or where
// MINO_PRODUCTS_DATA says. It is no part of the project.
func productsData(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("MINO_PRODUCTS_DATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		candidate := filepath.Join(dir, "..", "shared", "data", "products")
		if _, err := os.Stat(filepath.Join(candidate, "ground-truth.json")); err == nil {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("the product pages are not here: no ../shared/data/products above, and MINO_PRODUCTS_DATA is not set")
		}
		dir = parent
	}
}

func realPages(t testing.TB) map[string]productTruth {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(productsData(t), "ground-truth.json"))
	require.NoError(t, err)
	truths := map[string]productTruth{}
	require.NoError(t, json.Unmarshal(raw, &truths))
	require.NotEmpty(t, truths)
	return truths
}

func realPage(t testing.TB, id, address string) *Page {
	t.Helper()
	file, err := os.Open(filepath.Join(productsData(t), "pages", id+".html.gz"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	body, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	page, err := New(t.Context(), body, "text/html; charset=utf-8", u)
	require.NoError(t, err)
	return page
}

// f1 counts over pages. A prediction that is one of the accepted values is a true
// positive. Any other prediction is a false positive, and a truth that was not met is
// a false negative: a wrong prediction counts as both. A page with neither counts as
// nothing. F1 = 2·TP / (2·TP + FP + FN). As every page has an availability and one is
// always predicted, its F1 is the share of pages that are right.
type f1 struct{ tp, fp, fn int }

func (c *f1) count(predicted string, accepted []string, equal func(a, b string) bool) {
	switch {
	case predicted != "" && slices.ContainsFunc(accepted, func(a string) bool { return equal(predicted, strings.TrimSpace(a)) }):
		c.tp++
		return
	case predicted != "":
		c.fp++
	}
	if len(accepted) > 0 {
		c.fn++
	}
}

func (c *f1) score() float64 { return 2 * float64(c.tp) / float64(2*c.tp+c.fp+c.fn) }

func sameAmount(a, b string) bool {
	x, errX := decimal.NewFromString(a)
	y, errY := decimal.NewFromString(b)
	return errX == nil && errY == nil && x.Equal(y)
}

func sameText(a, b string) bool { return a == b }

func TestFieldsOfRealProductPages(t *testing.T) {
	t.Parallel()

	fields := []field.Field{
		{Name: "price", Type: field.TypeMoney},
		{Name: "sku", Type: field.TypeText},
		{Name: "availability", Type: field.TypeEnum, Values: []string{parse.InStock, parse.OutOfStock}},
	}
	var price, sku, availability f1
	for id, truth := range realPages(t) {
		found := fieldsOf(t, realPage(t, id, truth.URL), fields).Values
		amount := ""
		if m, ok := found["price"].(parse.Money); ok {
			amount = m.Amount
		}
		number, _ := found["sku"].(string)
		state, ok := found["availability"].(string)
		if !ok {
			state = parse.InStock // the benchmark takes unknown for that
		}
		price.count(amount, truth.Price, sameAmount)
		sku.count(number, truth.SKU, sameText)
		availability.count(state, truth.Availability, sameText)
	}
	var table strings.Builder
	row := func(name string, p, s, a float64) {
		fmt.Fprintf(&table, "%-24s %6.3f %6.3f %6.3f\n", name, p, s, a)
	}
	fmt.Fprintf(&table, "F1 on real pages          price    sku  avail.\n")
	row("MINO fetch", price.score(), sku.score(), availability.score())
	row("Zyte (commercial)", 0.925, 0.828, 0.957)
	row("Diffbot (commercial)", 0.809, 0.738, 0.957)
	row("extruct (open source)", 0.667, 0.515, 0.929)
	t.Log("\n" + table.String())

	require.GreaterOrEqual(t, price.score(), 0.90)
	require.GreaterOrEqual(t, sku.score(), 0.92)
	require.GreaterOrEqual(t, availability.score(), 0.98)
}

func TestRealProductPagesAreNotBlocked(t *testing.T) {
	t.Parallel()

	for id, truth := range realPages(t) {
		require.Empty(t, blockedBy(t, realPage(t, id, truth.URL)), id)
	}
}

// BenchmarkPage is one real page after the other: reading it and finding three fields.
func BenchmarkPage(b *testing.B) {
	fields := []field.Field{
		{Name: "price", Type: field.TypeMoney},
		{Name: "sku", Type: field.TypeText},
		{Name: "availability", Type: field.TypeBoolean},
	}
	truths := realPages(b)
	for b.Loop() {
		for id, truth := range truths {
			page := realPage(b, id, truth.URL)
			_ = blockedBy(b, page)
			_ = fieldsOf(b, page, fields)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*len(truths)), "ms/page")
}
