package field_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	of := func(change func(*field.Field)) field.Field {
		f := field.Field{Name: "price", Type: field.TypeMoney}
		change(&f)
		return f
	}

	t.Run("TakesWhatIsRight", func(t *testing.T) {
		t.Parallel()
		for _, kind := range field.Types() {
			f := of(func(f *field.Field) { f.Type = kind })
			if kind == field.TypeEnum {
				f.Values = []string{"new", "used"}
			}
			require.NoError(t, f.Validate(), kind)
			require.Contains(t, field.Comparers(), field.DefaultComparer(kind))
		}
		for _, comparer := range field.Comparers() {
			require.NoError(t, field.Compare{Comparer: comparer}.Validate(), comparer)
		}
		for _, rule := range []field.Extract{
			{Property: "offers.price"}, {CSS: "#price", Attribute: "content"}, {JSONPath: "$.price"}, {Regex: `(\d+)`}, {CSS: "p", Regex: `\d+`},
		} {
			require.NoError(t, rule.Validate())
		}
	})

	for name, f := range map[string]field.Field{
		"ANameThatIsEmpty":                of(func(f *field.Field) { f.Name = "" }),
		"ANameThatStartsWithADigit":       of(func(f *field.Field) { f.Name = "1st" }),
		"ANameWithASpace":                 of(func(f *field.Field) { f.Name = "unit price" }),
		"ANameWithALineBreak":             of(func(f *field.Field) { f.Name = "price\n" }),
		"ANameOf65Characters":             of(func(f *field.Field) { f.Name = strings.Repeat("a", 65) }),
		"NoType":                          of(func(f *field.Field) { f.Type = "" }),
		"AnUnknownType":                   of(func(f *field.Field) { f.Type = "price" }),
		"AnEnumWithoutValues":             of(func(f *field.Field) { f.Type = field.TypeEnum }),
		"AnEnumWithABlankValue":           of(func(f *field.Field) { f.Type, f.Values = field.TypeEnum, []string{" "} }),
		"AnEnumWithAValueTwice":           of(func(f *field.Field) { f.Type, f.Values = field.TypeEnum, []string{"New", "new "} }),
		"ValuesOfAnotherType":             of(func(f *field.Field) { f.Values = []string{"new"} }),
		"ARuleThatSelectsNothing":         of(func(f *field.Field) { f.Extract = &field.Extract{} }),
		"ARuleThatSelectsTwice":           of(func(f *field.Field) { f.Extract = &field.Extract{CSS: "p", Property: "price"} }),
		"AnAttributeWithoutCSS":           of(func(f *field.Field) { f.Extract = &field.Extract{Property: "price", Attribute: "content"} }),
		"ARegularExpressionThatIsNone":    of(func(f *field.Field) { f.Extract = &field.Extract{Regex: "("} }),
		"AnUnknownComparer":               of(func(f *field.Field) { f.Compare = &field.Compare{Comparer: "near"} }),
		"NoComparer":                      of(func(f *field.Field) { f.Compare = &field.Compare{} }),
		"ANegativeTolerance":              of(func(f *field.Field) { f.Compare = &field.Compare{Comparer: field.CompareMoney, Tolerance: -1} }),
		"AToleranceOfMoreThanAllPercents": of(func(f *field.Field) { f.Compare = &field.Compare{Comparer: field.CompareMoney, TolerancePercent: 101} }),
		"AThresholdAboveOne":              of(func(f *field.Field) { f.Compare = &field.Compare{Comparer: field.CompareFuzzy, Threshold: 1.5} }),
		"AnUnknownAlgorithm":              of(func(f *field.Field) { f.Compare = &field.Compare{Comparer: field.CompareFuzzy, Algorithm: "soundex"} }),
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, f.Validate())
		})
	}
}

func TestValidateAll(t *testing.T) {
	t.Parallel()
	text := func(name string) field.Field { return field.Field{Name: name, Type: field.TypeText} }
	require.NoError(t, field.ValidateAll([]field.Field{text("price"), text("sku")}))
	require.ErrorContains(t, field.ValidateAll([]field.Field{text("price"), text("Price")}), "is the name of field 0 already")
	require.Error(t, field.ValidateAll([]field.Field{text("price"), text("")}))
	many := make([]field.Field, field.MaxFields+1)
	for i := range many {
		many[i] = text("f" + strings.Repeat("x", i%60) + string(rune('a'+i/60)))
	}
	require.NoError(t, field.ValidateAll(many[:field.MaxFields]))
	require.ErrorContains(t, field.ValidateAll(many), "at most 100 fields")
}
