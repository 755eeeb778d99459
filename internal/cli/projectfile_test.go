package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

func TestParseProject(t *testing.T) {
	t.Parallel()

	t.Run("AllMembers", func(t *testing.T) {
		t.Parallel()
		project, err := parseProject("p.yaml", []byte(`
name: Shop
instruction: |
  Read the price
  of the product.
executor: fetch
settings:
  headers: {Accept-Language: de}
fields:
  - name: price
    type: money
    required: true
    compare: {comparer: money, tolerance_percent: 0.5}
  - name: stock
    type: enum
    values: [InStock, OutOfStock]
    extract: {css: .stock}
defaults:
  concurrency: 20
  preset: PATIENT
  job_timeout_ms: 30000
`), noEnv)
		require.NoError(t, err)
		require.JSONEq(t, `{"headers":{"Accept-Language":"de"}}`, string(project.Settings))
		project.Settings = nil
		require.Equal(t, wire.ProjectRequest{
			Name: "Shop", Instruction: "Read the price\nof the product.\n", Executor: "fetch",
			Fields: []field.Field{
				{Name: "price", Type: field.TypeMoney, Required: true, Compare: &field.Compare{Comparer: field.CompareMoney, TolerancePercent: 0.5}},
				{Name: "stock", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}, Extract: &field.Extract{CSS: ".stock"}},
			},
			Defaults: wire.ExecutionDefaults{Concurrency: 20, Preset: retry.Patient, JobTimeoutMS: 30000},
		}, project)
	})

	t.Run("JSONIsYAML", func(t *testing.T) {
		t.Parallel()
		project, err := parseProject("p.json", []byte(`{"name": "Shop", "settings": {"a": [1, null]}}`), noEnv)
		require.NoError(t, err)
		require.JSONEq(t, `{"a":[1,null]}`, string(project.Settings))
	})

	for name, c := range map[string]struct{ content, want string }{
		"AnUnknownKeyShowsItsLine": {
			"name: Shop\nfields:\n  - name: price\n    exract: {css: .p}\n",
			"[4:5] unknown field \"exract\"\n   1 | name: Shop\n   2 | fields:\n   3 |   - name: price\n>  4 |     exract: {css: .p}\n           ^",
		},
		"AKeyThatStandsTwice": {"name: a\nname: b\n", `[2:1] mapping key "name" already defined at [1:1]`},
		"AWrongType":          {"name: a\ndefaults:\n  concurrency: ten\n", ">  3 |   concurrency: ten"},
		"NoYAML":              {"name: [a\n", "p.yaml cannot be understood:\n[1:"},
		"Nothing":             {"", "p.yaml is empty"},
		"OnlyComments":        {"# a\n", "p.yaml "},
		"NoName":              {"instruction: x\n", "p.yaml has no name"},
		"TwoDocuments":        {"name: a\n---\nname: b\n", "p.yaml holds more than one document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseProject("p.yaml", []byte(c.content), noEnv)
			require.ErrorContains(t, err, c.want)
		})
	}

	t.Run("AFileThatIsNoProject", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "big.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("#", maxProjectFile+1)), 0o600))
		_, err := loadProject(path)
		require.ErrorContains(t, err, "larger than 1 MiB")
	})
}

func TestIsProjectFile(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		"shop.yaml": true, "a/b.YML": true, "x.json": true, "Shop": false, "Shop v1.2": false, "a/b": false,
	} {
		require.Equal(t, want, isProjectFile(value), value)
	}
}
