package parse

import "strings"

//nolint:gosmopolitan // the words of many languages are what is looked for
var (
	yes = wordSet(`yes y true t 1 on enabled ja j wahr oui o vrai sí si s verdadero sim verdadeiro vero tak prawda
		да ано ano igen evet כן نعم はい 是 예 ✓ ✔ ☑ ✅`)
	no = wordSet(`no n false f 0 off none disabled nein nee nej nei falsch non faux falso não nao nie fałsz
		нет ne nem hayır hayir לא لا いいえ 否 아니요 ✗ ✘ ☒ ❌ ×`)
)

func wordSet(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// Boolean reads a word for yes or no in some twenty languages, a tick or a cross. The
// whole text must be the word.
func Boolean(s string) (bool, error) {
	s = strings.ToLower(strings.Trim(Text(s), " .!\uFE0F\uFE0E"))
	switch {
	case s == "":
		return false, ErrEmpty
	case yes[s]:
		return true, nil
	case no[s]:
		return false, nil
	}
	return false, ErrBoolean
}
