package cli

import (
	"encoding/csv"
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/shop"
	"github.com/minohq/mino/scoring"
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

// TestSearchExample runs the example that asks an API, and holds what it finds against
// the truth in its CSV.
func TestSearchExample(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "examples")
	project, err := loadProject(filepath.Join(dir, "search.yaml"))
	require.NoError(t, err)
	file, err := os.Open(filepath.Join(dir, "search.csv"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 1)

	server := httptest.NewServer(shop.New(shop.Config{Seed: demoSeed}).Handler())
	t.Cleanup(server.Close)
	here := strings.NewReplacer("http://"+demoShopAddress, server.URL)
	executor := fetch.New(fetch.Config{AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(executor.Close)
	settings := json.RawMessage(here.Replace(string(project.Settings)))
	spec := executors.Spec{Instruction: project.Instruction, Fields: project.Fields, Settings: settings, Inputs: []string{"product"}}
	require.NoError(t, executor.Validate(spec))
	require.Equal(t, executors.Needs{Columns: []string{"product"}}, executor.Needs(spec))

	for _, row := range rows[1:] {
		inputs, truth := map[string]string{}, map[string][]string{}
		for i, name := range rows[0] {
			switch field, isTruth := strings.CutPrefix(name, "gt_"); {
			case !isTruth:
				inputs[name] = row[i]
			case row[i] != "":
				truth[field] = strings.Split(row[i], "|")
			}
		}
		outcome, err := executor.Execute(t.Context(), executors.Request{
			URL: inputs["site_url"], Inputs: inputs, Fields: project.Fields, Settings: settings, Heartbeat: func(string) {},
		})
		require.NoError(t, err)
		require.Len(t, outcome.Fields, len(project.Fields))
		if len(truth) > 0 {
			score := scoring.Evaluate(scoring.Input{Fields: project.Fields, Result: outcome.Fields, Truth: truth})
			require.Equal(t, scoring.Correct, score.Verdict, "%s: %v", row[0], outcome.Fields)
		}
	}
}
