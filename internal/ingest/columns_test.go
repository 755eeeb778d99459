package ingest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

func TestColumnsGetTheirRoles(t *testing.T) {
	t.Parallel()
	const siteURL, input, truth, ignored = models.RoleSiteURL, models.RoleInput, models.RoleGroundTruth, models.RoleIgnored
	tests := []struct {
		name    string
		header  string
		mapping map[string]string
		want    []models.Column
	}{
		{
			name: "ByTheirNames", header: "site_url,gt_sku,price,url",
			want: []models.Column{
				{Name: "site_url", Role: siteURL}, {Name: "gt_sku", Role: truth, Field: "sku"},
				{Name: "price", Role: input}, {Name: "url", Role: input},
			},
		},
		{
			name: "TheOneAliasStandsIn", header: "Website,GT-Price",
			want: []models.Column{{Name: "Website", Role: siteURL}, {Name: "GT-Price", Role: truth, Field: "price"}},
		},
		{
			name: "AMappingOverrides", header: "site_url,link,gt_sku,expected,secret",
			mapping: map[string]string{
				"LINK": "site_url", "gt_sku": "input", "expected": "ground_truth:SKU", "secret": "ignored",
			},
			want: []models.Column{
				{Name: "site_url", Role: input}, {Name: "link", Role: siteURL}, {Name: "gt_sku", Role: input},
				{Name: "expected", Role: truth, Field: "sku"}, {Name: "secret", Role: ignored},
			},
		},
		{
			name: "AMappedAliasLeavesTheOther", header: "url,website", mapping: map[string]string{"url": "input"},
			want: []models.Column{{Name: "url", Role: input}, {Name: "website", Role: siteURL}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opt := options()
			opt.Columns = test.mapping
			table, err := ingest.CSV(strings.NewReader(test.header+"\n"), opt)
			require.NoError(t, err)
			require.Equal(t, test.want, table.Columns)
		})
	}
}

func TestColumnMappingIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		mapping map[string]string
		place   string
		code    string
		message string
	}{
		{
			name: "OfAColumnThatIsNotThere", mapping: map[string]string{"color": "input"},
			place: "columns.color", code: ingest.CodeUnknownColumn, message: `"site_url", "a", "b"`,
		},
		{
			name: "ToARoleThatIsNone", mapping: map[string]string{"a": "truth"},
			place: "columns.a", code: ingest.CodeInvalidRole, message: "ground_truth:<field>",
		},
		{
			name: "ToGroundTruthOfNoField", mapping: map[string]string{"a": "ground_truth"},
			place: "columns.a", code: ingest.CodeInvalidRole, message: "ground_truth:<field>",
		},
		{
			name: "ToAnUnknownField", mapping: map[string]string{"a": "ground_truth:colour"},
			place: "columns.a", code: ingest.CodeUnknownField, message: `"price", "sku", "title"`,
		},
		{
			name: "OfTwoColumnsToSiteURL", mapping: map[string]string{"a": "site_url", "b": "site_url"},
			place: "columns", code: ingest.CodeDuplicateRole, message: "2 columns",
		},
		{
			name: "OfOneColumnTwice", mapping: map[string]string{"a": "input", "A": "ignored"},
			place: "columns.a", code: ingest.CodeDuplicateHeader, message: "twice",
		},
		{
			name: "OfTwoColumnsToOneField", mapping: map[string]string{"a": "ground_truth:sku", "b": "ground_truth:sku"},
			place: "column b", code: ingest.CodeDuplicateRole, message: `"a" and "b"`,
		},
		{
			name: "ThatLeavesNoSiteURL", mapping: map[string]string{"site_url": "ignored"},
			place: "site_url", code: ingest.CodeMissingSiteURL, message: `"site_url", "a", "b"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opt := options()
			opt.Columns = test.mapping
			found := problemsOf(t, strings.NewReader("site_url,a,b\nhttps://a.example,x,y\n"), opt)
			require.Len(t, found, 1)
			require.Equal(t, test.place, found[0].Place())
			require.Equal(t, test.code, found[0].Code)
			require.Contains(t, found[0].Message, test.message)
		})
	}
}

func TestGroundTruthHasSeveralAcceptedValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cell string
		want []string
	}{
		{name: "One", cell: " A-1 ", want: []string{"A-1"}},
		{name: "Two", cell: "A-1 | A-2", want: []string{"A-1", "A-2"}},
		{name: "BlanksAreNone", cell: " | A-1||", want: []string{"A-1"}},
		{name: "AnEscapedBarIsABar", cell: `A\|1|B`, want: []string{"A|1", "B"}},
		{name: "OtherBackslashesStay", cell: `C:\x\|y`, want: []string{`C:\x|y`}},
		{name: "BlankIsNoTruth", cell: "  ", want: nil},
		{name: "OnlyBarsAreNoTruth", cell: "||", want: nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, rows := read(t, "site_url,gt_sku\nhttps://a.example,"+test.cell+"\n", options())
			require.Equal(t, test.want, rows[0].GroundTruth["sku"])
		})
	}
	t.Run("ARegularExpressionIsTakenWhole", func(t *testing.T) {
		t.Parallel()
		_, rows := read(t, "site_url,gt_title\nhttps://a.example,(red|blue) chair\n", options())
		require.Equal(t, []string{"(red|blue) chair"}, rows[0].GroundTruth["title"])
	})
}

func TestNeededColumnsAreMissed(t *testing.T) {
	t.Parallel()
	needing := func(names ...string) ingest.Options {
		opt := options()
		opt.Needs = names
		return opt
	}
	t.Run("EachByItsName", func(t *testing.T) {
		t.Parallel()
		found := problemsOf(t, strings.NewReader("site_url,a,SKU,gt_price\nhttps://a.example,x,y,1\n"), needing("a", "sku", "size", "gt_price"))
		require.Len(t, found, 3)
		for i, want := range []struct{ place, message string }{
			{"column sku", `the column "SKU" is input`}, {"column size", "needs it"}, {"column gt_price", "is ground_truth"},
		} {
			require.Equal(t, want.place, found[i].Place())
			require.Equal(t, ingest.CodeMissingColumn, found[i].Code)
			require.Contains(t, found[i].Message, want.message)
		}
	})
	t.Run("UnlessTheyAreThere", func(t *testing.T) {
		t.Parallel()
		_, rows := read(t, "site_url,a b,gt_x\nhttps://a.example,x,y\n", func() ingest.Options {
			opt := needing("a b", "gt_x")
			opt.Columns = map[string]string{"gt_x": "input"}
			return opt
		}())
		require.Equal(t, map[string]string{"a b": "x", "gt_x": "y"}, rows[0].Input)
	})
	t.Run("InAPreviewToo", func(t *testing.T) {
		t.Parallel()
		table, err := ingest.CSV(strings.NewReader("site_url\nhttps://a.example\n"), needing("sku"))
		require.Error(t, err)
		p, err := table.Preview(t.Context(), 1)
		require.NoError(t, err)
		require.False(t, p.CanBeCreated())
		require.Equal(t, ingest.CodeMissingColumn, p.Problems[0].Code)
		require.Equal(t, 1, p.ProblemCount)
		require.Len(t, p.Rows, 1)
	})
}
