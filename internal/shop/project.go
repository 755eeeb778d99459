package shop

import (
	"bytes"
	"encoding/csv"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

// ProjectName is the name of the example's project.
const ProjectName = "Example shop"

// Project is what is wanted of every page. There is no rule for finding it: names
// and types are enough.
func (s *Shop) Project() wire.ProjectRequest {
	return wire.ProjectRequest{
		Name:        ProjectName,
		Instruction: "Read what the page sells: its name, its price, the shop's own number of it, and whether it can be bought now.",
		Executor:    "fetch",
		Fields: []field.Field{
			{Name: "name", Type: field.TypeText, Description: "What the product is called."},
			{Name: "price", Type: field.TypeMoney, Description: "What one costs now, without shipping."},
			{Name: "sku", Type: field.TypeText, Description: "The shop's number of the product.",
				Compare: &field.Compare{Comparer: field.CompareText}},
			{Name: "availability", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}, Description: "Whether it can be bought now."},
		},
		Defaults: wire.ExecutionDefaults{Concurrency: 10, Preset: retry.Fast},
	}
}

// truthFields are the fields that the CSV has a truth of, in the order of its columns.
var truthFields = []string{"name", "price", "sku", "availability"}

// CSV is the batch of all products, with the pages' addresses under the base URL.
// Several accepted values stand in one cell, apart by "|".
func (s *Shop) CSV(baseURL string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := []string{"site_url", "category"}
	for _, name := range truthFields {
		header = append(header, "gt_"+name)
	}
	rows := [][]string{header}
	for _, p := range s.products {
		row := []string{strings.TrimSuffix(baseURL, "/") + p.Path, p.Category}
		for _, name := range truthFields {
			row = append(row, strings.Join(p.Truth[name], "|"))
		}
		rows = append(rows, row)
	}
	// Writing to a buffer cannot fail.
	_ = w.WriteAll(rows)
	return b.Bytes()
}
