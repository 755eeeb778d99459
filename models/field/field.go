// Package field is the vocabulary of what a project wants from every page:
// named, typed fields, how each one may be found and how it is compared with
// ground truth.
//
// It is a leaf: plain JSON types and their validation, imported by the records,
// the executors, the scoring and the API alike, and importing none of them. The
// project row is authoritative for the fields; an execution carries a snapshot
// of them, so editing a project never changes a run that is under way.
package field

// Type says what a value is. It decides how text found on a page is parsed and
// which comparer is used when the project names none.
type Type string

// The types a field can have. The canonical JSON form of each value is given
// behind it; package internal/parse produces these forms.
const (
	TypeText    Type = "text"    // string, white space folded
	TypeNumber  Type = "number"  // JSON number
	TypeMoney   Type = "money"   // {"amount": "119.01", "currency": "EUR"}; currency may be absent
	TypeBoolean Type = "boolean" // true or false
	TypeDate    Type = "date"    // "2006-01-02", or RFC 3339 when a time of day is known
	TypeURL     Type = "url"     // absolute URL
	TypeEnum    Type = "enum"    // one of Field.Values
	TypeList    Type = "list"    // array of strings
)

// Types lists every type, in the order in which the documentation names them.
func Types() []Type {
	return []Type{TypeText, TypeNumber, TypeMoney, TypeBoolean, TypeDate, TypeURL, TypeEnum, TypeList}
}

// Comparer names a way to hold a value against an accepted value.
type Comparer string

// The comparers. Money, date, URL and boolean parse both sides first, so that
// "1.299,00 €" and "1299.00" are equal.
const (
	CompareExact   Comparer = "exact"
	CompareText    Comparer = "text"   // case, white space and Unicode form folded
	CompareNumber  Comparer = "number" // within Tolerance
	CompareMoney   Comparer = "money"  // amount within Tolerance; currency only when both sides name one
	CompareDate    Comparer = "date"
	CompareURL     Comparer = "url"
	CompareBoolean Comparer = "boolean"
	CompareSet     Comparer = "set"   // same members, any order
	CompareFuzzy   Comparer = "fuzzy" // similarity of at least Threshold
	CompareRegex   Comparer = "regex" // the truth is a regular expression that must match the whole value
)

// Comparers lists every comparer.
func Comparers() []Comparer {
	return []Comparer{
		CompareExact, CompareText, CompareNumber, CompareMoney, CompareDate,
		CompareURL, CompareBoolean, CompareSet, CompareFuzzy, CompareRegex,
	}
}

// Field is one value wanted from every page.
type Field struct {
	// Name is the key of the value in results: a letter, then letters, digits
	// and underscores, at most 64 characters; unique within a project.
	Name string `json:"name"`
	// Type defaults to text.
	Type Type `json:"type"`
	// Description tells an agent, or a reader, what is meant.
	Description string `json:"description,omitempty"`
	// Required makes a result without this field schema_invalid.
	Required bool `json:"required,omitempty"`
	// Values are the members of an enum; other types have none.
	Values []string `json:"values,omitempty"`
	// Extract says where the fetch executor finds the value. Without it a field
	// with a well-known name or type is found automatically.
	Extract *Extract `json:"extract,omitempty"`
	// Compare says how the value is held against ground truth. Without it the
	// type's own comparer is used.
	Compare *Compare `json:"compare,omitempty"`
}

// Extract is a rule for finding a value. Exactly one of Property, CSS and
// JSONPath selects; Regex, alone or on top of one of them, picks a part: its
// first group, or the whole match when it has no group.
type Extract struct {
	// Property is a dotted path into the page's structured data, such as
	// "offers.price" (schema.org terms, whatever the syntax on the page).
	Property string `json:"property,omitempty"`
	// CSS selects elements; the first one with a value is taken (all, for a list).
	CSS string `json:"css,omitempty"`
	// Attribute is read instead of the text of what CSS selected.
	Attribute string `json:"attribute,omitempty"`
	// JSONPath selects in a JSON answer.
	JSONPath string `json:"jsonpath,omitempty"`
	// Regex is RE2 syntax.
	Regex string `json:"regex,omitempty"`
}

// Compare is a comparer and its settings.
type Compare struct {
	Comparer Comparer `json:"comparer"`
	// Tolerance is the accepted absolute difference of number and money.
	Tolerance float64 `json:"tolerance,omitempty"`
	// TolerancePercent is the accepted difference relative to the truth, 0–100.
	// A value within either tolerance matches.
	TolerancePercent float64 `json:"tolerance_percent,omitempty"`
	// Threshold is the least similarity that matches in a fuzzy comparison, 0–1;
	// 0 means the default of 0.9.
	Threshold float64 `json:"threshold,omitempty"`
	// Algorithm of a fuzzy comparison: "jaro_winkler" (default) or "levenshtein".
	Algorithm string `json:"algorithm,omitempty"`
}

// DefaultComparer is the comparer of a type when the project names none.
func DefaultComparer(t Type) Comparer {
	switch t {
	case TypeNumber:
		return CompareNumber
	case TypeMoney:
		return CompareMoney
	case TypeBoolean:
		return CompareBoolean
	case TypeDate:
		return CompareDate
	case TypeURL:
		return CompareURL
	case TypeList:
		return CompareSet
	case TypeText, TypeEnum:
		return CompareText
	}
	return CompareText
}
