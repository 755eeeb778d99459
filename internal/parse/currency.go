package parse

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/currency"
)

// mark is how text names a currency. A mark that is known but names no single
// currency ("kr") has size but no code.
type mark struct {
	code  string
	size  int  // bytes of text it takes up; 0 when there is none
	iso   bool // an ISO code outranks a symbol: "$12 CAD"
	minor bool // the amount is in hundredths: "99p"
}

// symbols maps the lower-case spelling of a symbol or word to its ISO 4217 code.
// Where a symbol has several owners, the one most often meant on web pages is taken.
//
//nolint:gosmopolitan // the words of many languages are what is looked for
var symbols = map[string]string{
	"$": "USD", "us$": "USD", "$us": "USD", "u$s": "USD", "usd$": "USD", "dollar": "USD", "dollars": "USD", "usd": "USD",
	"ca$": "CAD", "c$": "CAD", "can$": "CAD", "cdn$": "CAD", "cad": "CAD",
	"a$": "AUD", "au$": "AUD", "aud": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "sg$": "SGD", "nt$": "TWD",
	"mx$": "MXN", "mex$": "MXN", "ar$": "ARS", "cl$": "CLP", "clp$": "CLP", "co$": "COP", "col$": "COP", "cop$": "COP",
	"r$": "BRL", "reais": "BRL", "$u": "UYU", "rd$": "DOP", "j$": "JMD", "tt$": "TTD", "bz$": "BZD", "c$.": "NIO",
	"€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "евро": "EUR", "ευρώ": "EUR",
	"£": "GBP", "₤": "GBP", "gbp": "GBP", "£gbp": "GBP", "pounds": "GBP",
	"¥": "JPY", "円": "JPY", "jp¥": "JPY", "日圓": "JPY", "cn¥": "CNY", "元": "CNY", "rmb": "CNY", "人民币": "CNY",
	"₹": "INR", "rs": "INR", "rs.": "INR", "inr": "INR", "रु": "INR", "रु.": "INR", "₨": "INR",
	"chf": "CHF", "sfr": "CHF", "sfr.": "CHF", "fr.": "CHF", "fr": "CHF",
	"zł": "PLN", "zl": "PLN", "pln": "PLN", "kč": "CZK", "kc": "CZK", "czk": "CZK", "ft": "HUF", "ft.": "HUF", "huf": "HUF",
	"lei": "RON", "leu": "RON", "ron": "RON", "лв": "BGN", "лв.": "BGN", "bgn": "BGN", "kn": "HRK", "hrk": "HRK",
	"дин": "RSD", "дин.": "RSD", "din": "RSD", "din.": "RSD", "rsd": "RSD", "ден": "MKD", "ден.": "MKD", "km": "BAM",
	"₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "рублей": "RUB", "rub": "RUB",
	"₴": "UAH", "грн": "UAH", "грн.": "UAH", "uah": "UAH", "br": "BYN", "бел.руб": "BYN", "б.р.": "BYN", "б.р": "BYN", "₸": "KZT", "тг": "KZT", "₾": "GEL", "֏": "AMD", "₼": "AZN",
	"₺": "TRY", "tl": "TRY", "₪": "ILS", "nis": "ILS", "ש\"ח": "ILS", "₩": "KRW", "원": "KRW",
	"₫": "VND", "đ": "VND", "vnđ": "VND", "vnd": "VND", "฿": "THB", "บาท": "THB", "thb": "THB", "₱": "PHP", "php": "PHP",
	"rm": "MYR", "rp": "IDR", "rp.": "IDR", "idr": "IDR", "৳": "BDT", "₭": "LAK", "៛": "KHR", "₮": "MNT",
	"r": "ZAR", "zar": "ZAR", "₦": "NGN", "gh₵": "GHS", "₵": "GHS", "ksh": "KES", "ksh.": "KES", "kshs": "KES", "kes": "KES", "tsh": "TZS", "ush": "UGX",
	"s/": "PEN", "s/.": "PEN", "b/.": "PAB", "₲": "PYG", "gs.": "PYG", "₡": "CRC", "bs": "BOB", "bs.": "BOB",
	"ر.س": "SAR", "ريال": "SAR", "﷼": "SAR", "sar": "SAR", "د.إ": "AED", "درهم": "AED", "dhs": "AED", "dhs.": "AED", "dh": "AED", "aed": "AED",
	"د.ك": "KWD", "kd": "KWD", "د.ب": "BHD", "bd": "BHD", "ر.ع": "OMR", "ر.ع.": "OMR", "ر.ق": "QAR", "qr": "QAR", "د.أ": "JOD", "jd": "JOD",
	"ج.م": "EGP", "le": "EGP", "جنيه": "EGP", "د.م": "MAD", "د.ت": "TND", "dt": "TND",
	"sek": "SEK", "nok": "NOK", "dkk": "DKK", "isk": "ISK",
	"kr": "", "kr.": "", "krone": "", "kroner": "", "kronor": "",
}

// exactCase are the symbols that are everyday words or letters in another case.
var exactCase = map[string]string{
	"r": "R", "km": "KM", "le": "LE", "fr": "Fr", "bs": "Bs", "bd": "BD", "din": "din", "br": "Br", "rm": "RM",
	"dt": "DT", "jd": "JD", "kd": "KD", "qr": "QR", "tl": "TL", "dh": "DH", "php": "PHP",
}

// wordCodes are ISO codes that are English words in capitals as well. They name a
// currency only where the text has no other word.
var wordCodes = map[string]bool{
	"ALL": true, "TOP": true, "CUP": true, "PEN": true, "MOP": true, "GEL": true, "SOS": true,
}

// youngCodes are currencies younger than the tables of golang.org/x/text.
var youngCodes = map[string]bool{"SLE": true, "VED": true, "ZWG": true, "XCG": true, "MRU": true, "STN": true, "BYN": true}

// longestSymbol bounds the look around a number, in bytes.
var longestSymbol = func() int {
	longest := 0
	for s := range symbols {
		longest = max(longest, len(s))
	}
	return longest
}()

// CurrencyCode gives the ISO 4217 code that a code, symbol or word stands for, ""
// when it stands for none or for several ("kr").
func CurrencyCode(s string) string {
	s = fold(s)
	if code, ok := isoCode(strings.ToUpper(s)); ok {
		return code
	}
	return symbols[strings.ToLower(s)]
}

func isoCode(s string) (string, bool) {
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "", false
	}
	switch s {
	case "XXX", "XTS", "XAU", "XAG", "XPT", "XPD": // no money, tests, metals
		return "", false
	}
	if youngCodes[s] {
		return s, true
	}
	unit, err := currency.ParseISO(s)
	if err != nil {
		return "", false
	}
	return unit.String(), true
}

// decimalMarks gives the separators that begin decimals even before exactly three
// digits: those of the currencies that have three.
func decimalMarks(code string) string {
	switch code {
	case "BHD", "IQD", "JOD", "KWD", "OMR":
		return "."
	case "LYD", "TND": // written with a decimal comma as well
		return ".,"
	}
	return ""
}

// currencyBefore reads the currency at the end of text, currencyAfter the one at its
// beginning. The longest spelling wins, and a spelling made of letters must not be
// part of a longer word.
func currencyBefore(s string) mark {
	for size := min(len(s), longestSymbol); size > 0; size-- {
		cut := len(s) - size
		if !utf8.RuneStart(s[cut]) {
			continue
		}
		inner, _ := utf8.DecodeRuneInString(s[cut:])
		outer, _ := utf8.DecodeLastRuneInString(s[:cut])
		if m := lookUp(s[cut:]); m.size > 0 && (cut == 0 || !isWord(inner) || !isWord(outer)) {
			return m
		}
	}
	return mark{}
}

func currencyAfter(s string) mark {
	for size := min(len(s), longestSymbol); size > 0; size-- {
		if size < len(s) && !utf8.RuneStart(s[size]) {
			continue
		}
		inner, _ := utf8.DecodeLastRuneInString(s[:size])
		outer, _ := utf8.DecodeRuneInString(s[size:])
		if m := lookUp(s[:size]); m.size > 0 && (size == len(s) || !isWord(inner) || !isWord(outer)) {
			return m
		}
	}
	return mark{}
}

// lookUp knows a spelling or does not. ISO codes count in capitals; the common ones
// stand among the symbols too, and count in any case.
func lookUp(s string) mark {
	if wordCodes[s] {
		return mark{}
	}
	if code, ok := isoCode(s); ok {
		return mark{code: code, size: len(s), iso: true}
	}
	lower := strings.ToLower(s)
	code, ok := symbols[lower]
	if !ok {
		return mark{}
	}
	if exact, has := exactCase[lower]; has && s != exact && s != strings.ToUpper(exact) {
		return mark{}
	}
	return mark{code: code, size: len(s)}
}
