package cli

import (
	"encoding/csv"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/shop"
)

// TestExamples keeps the files of examples/ what their README says: a project that is
// understood and a CSV of pages that the demo's shop has.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "examples")

	project, err := loadProject(filepath.Join(dir, "products.yaml"))
	require.NoError(t, err)
	fields := map[string]bool{}
	for _, f := range project.Fields {
		require.NoError(t, f.Validate())
		fields["gt_"+f.Name] = true
	}

	file, err := os.Open(filepath.Join(dir, "products.csv"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	header := rows[0]
	require.Equal(t, "site_url", header[0])

	goods := shop.New(shop.Config{Seed: demoSeed})
	require.Greater(t, len(rows), 1)
	for _, row := range rows[1:] {
		address, err := url.Parse(row[0])
		require.NoError(t, err)
		require.Equal(t, demoShopAddress, address.Host)
		product, ok := goods.Product(address.Path)
		require.True(t, ok, "%s is no page of the shop", row[0])
		for i, name := range header {
			if !strings.HasPrefix(name, "gt_") || row[i] == "" {
				continue
			}
			require.True(t, fields[name], "%s is no field of the project", name)
			for value := range strings.SplitSeq(row[i], "|") {
				require.Contains(t, spaced(product.Truth[name[3:]]), value, name)
			}
		}
	}
}

// spaced has spaces where typography wants them to keep a line together.
func spaced(values []string) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = strings.ReplaceAll(value, "\u00a0", " ")
	}
	return out
}
