package scoring

import (
	"errors"
	"regexp"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// CheckTruth says why an accepted value of a field can match nothing, whatever is found:
// the comparer cannot read it. Text can always be read.
func CheckTruth(f field.Field, truth string) error {
	var err error
	switch settingsOf(f).Comparer {
	case field.CompareNumber:
		_, err = numberReadings(truth)
	case field.CompareMoney:
		_, err = parse.ParseMoney(truth)
	case field.CompareDate:
		_, err = parse.Date(truth)
	case field.CompareURL:
		_, err = normalURL(truth)
	case field.CompareBoolean:
		_, err = parse.Boolean(truth)
	case field.CompareRegex:
		if _, bad := regexp.Compile(truth); bad != nil {
			err = errors.New("no regular expression")
		}
	case field.CompareExact, field.CompareText, field.CompareSet, field.CompareFuzzy:
	}
	return err
}
