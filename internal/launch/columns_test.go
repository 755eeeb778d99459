package launch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
)

func TestMissingColumns(t *testing.T) {
	t.Parallel()
	columns := []models.Column{
		{Name: "site_url", Role: models.RoleSiteURL}, {Name: "sku", Role: models.RoleInput},
		{Name: "notes", Role: models.RoleIgnored}, {Name: "gt_price", Role: models.RoleGroundTruth, Field: "price"},
	}
	for name, test := range map[string]struct{ needs, want []string }{
		"NothingIsNeeded":             {nil, nil},
		"WhatIsThereIsNotMissing":     {[]string{"sku"}, nil},
		"EachIsNamedOnceInItsOrder":   {[]string{"size", "sku", "colour", "size"}, []string{"size", "colour"}},
		"OnlyInputColumnsCount":       {[]string{"site_url", "notes", "gt_price"}, []string{"site_url", "notes", "gt_price"}},
		"CaseTellsColumnsApart":       {[]string{"SKU"}, []string{"SKU"}},
		"AFieldIsNoColumn":            {[]string{"price"}, []string{"price"}},
		"ANameWithinAnotherIsMissing": {[]string{"sk"}, []string{"sk"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, launch.MissingColumns(test.needs, columns))
		})
	}
	require.Equal(t, []string{"sku"}, launch.MissingColumns([]string{"sku"}, nil))
}
