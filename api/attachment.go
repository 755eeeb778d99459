package api

import (
	"net/url"
	"strings"
	"unicode"
)

// maxFileName bounds the name of a file that is offered, in characters, without its
// extension.
const maxFileName = 120

// attachment is the Content-Disposition of a file: its name as RFC 6266 has it, and for
// clients that read nothing else in ASCII.
func attachment(name, extension string) string {
	name = fileName(name) + "." + extension
	ascii := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || r == '%' { // some clients decode what is behind a percent sign
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + ascii + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// fileName makes a text safe as the name of a file: without what separates paths or has a
// meaning to some system, what cannot be seen, and what is hidden for its first character.
func fileName(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`/\:*?"<>|`, r), unicode.IsControl(r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r): // marks that turn the direction of writing, among others
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxFileName {
		text = string(runes[len(runes)-maxFileName:]) // the end says what is in it
	}
	if text = strings.Trim(text, " ."); text == "" {
		return "export"
	}
	return text
}
