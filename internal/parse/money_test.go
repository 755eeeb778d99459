package parse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
)

//nolint:gosmopolitan // texts of many languages are what is parsed
func TestParseMoney(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, amount, currency string }{
		// Bare numbers and separators.
		{"99", "99", ""},
		{"99.90", "99.90", ""},
		{"12,5", "12.5", ""},
		{"1.299", "1299", ""},
		{"1,299", "1299", ""},
		{"23.450", "23450", ""},
		{"1,299.00", "1299.00", ""},
		{"1.299,00", "1299.00", ""},
		{"1.234.567", "1234567", ""},
		{"1,234,567.89", "1234567.89", ""},
		{"1.299.00", "1299.00", ""},
		{"1234.567", "1234.567", ""},
		{"0.500", "0.500", ""},
		{"0,995", "0.995", ""},
		{".99", "0.99", ""},
		{"007", "7", ""},
		{"12٫345", "12.345", ""},
		{"1 299", "1299", ""},
		{"12 345 678,90", "12345678.90", ""},
		// Euro, in the ways of its countries.
		{"1.299,00 €", "1299.00", "EUR"},
		{"1 299,00 €", "1299.00", "EUR"},
		{"1\u00a0299,00\u00a0€", "1299.00", "EUR"},
		{"1\u202f299,00\u202f€", "1299.00", "EUR"},
		{"1\u2009299,00 €", "1299.00", "EUR"},
		{"€ 1.299,-", "1299", "EUR"},
		{"€1,299.00", "1299.00", "EUR"},
		{"EUR 12", "12", "EUR"},
		{"12 EUR", "12", "EUR"},
		{"12,50 eur", "12.50", "EUR"},
		{"12,50 Euro", "12.50", "EUR"},
		{"8,33 &euro;", "8.33", ""},
		{"12€99", "12.99", "EUR"},
		{"12,99€ TTC", "12.99", "EUR"},
		{"ab 12,99 €*", "12.99", "EUR"},
		{"12⁹⁹ €", "12.99", "EUR"},
		{"€12⁹⁹", "12.99", "EUR"},
		{"49,– €", "49", "EUR"},
		{"49,-- €", "49", "EUR"},
		{"€ .50", "0.50", "EUR"},
		// Dollars.
		{"$1,299.00", "1299.00", "USD"},
		{"$ 12", "12", "USD"},
		{"US$ 12", "12", "USD"},
		{"US $12.50", "12.50", "USD"},
		{"USD 1,000", "1000", "USD"},
		{"$12.99 USD", "12.99", "USD"},
		{"$12.99 CAD", "12.99", "CAD"},
		{"CAD $12.99", "12.99", "CAD"},
		{"CA$12.99", "12.99", "CAD"},
		{"C$ 12.99", "12.99", "CAD"},
		{"A$12.99", "12.99", "AUD"},
		{"AU $12.99", "12.99", "AUD"},
		{"NZ$12.99", "12.99", "NZD"},
		{"HK$1,280", "1280", "HKD"},
		{"S$12.99", "12.99", "SGD"},
		{"NT$1,280", "1280", "TWD"},
		{"R$ 1.299,90", "1299.90", "BRL"},
		{"MX$1,299", "1299", "MXN"},
		{"12 $ CAD", "12", "CAD"},
		{"just a $12 cap", "12", "USD"},
		{"99¢", "0.99", "USD"},
		{"5 ¢", "0.05", "USD"},
		// Pounds.
		{"£450", "450", "GBP"},
		{"from £5", "5", "GBP"},
		{"£12.99p", "12.99", "GBP"},
		{"99p", "0.99", "GBP"},
		{"1080p screen £299", "299", "GBP"},
		{"Price:£1,234.50 inc. VAT", "1234.50", "GBP"},
		// The rest of Europe.
		{"CHF 1'299.–", "1299", "CHF"},
		{"CHF 1’299.50", "1299.50", "CHF"},
		{"Fr. 19.50", "19.50", "CHF"},
		{"19.50CHF", "19.50", "CHF"},
		{"CHF19.50", "19.50", "CHF"},
		{"1 299,00 kr", "1299.00", ""},
		{"1.299,00 kr.", "1299.00", ""},
		{"1 299:-", "1299", ""},
		{"1 299:50 kr", "1299.50", ""},
		{"kr 1 299,-", "1299", ""},
		{"1299 SEK", "1299", "SEK"},
		{"999 zł", "999", "PLN"},
		{"1 299,00 zł", "1299.00", "PLN"},
		{"12 990 Ft", "12990", "HUF"},
		{"1 299 Kč", "1299", "CZK"},
		{"173,34 Lei", "173.34", "RON"},
		{"270,00 Kn", "270.00", "HRK"},
		{"25,90 лв.", "25.90", "BGN"},
		{"1 990 ₽", "1990", "RUB"},
		{"1990 руб.", "1990", "RUB"},
		{"1 299 грн", "1299", "UAH"},
		{"1.299,00 TL", "1299.00", "TRY"},
		{"₺1.299,00", "1299.00", "TRY"},
		// Asia, Africa, America.
		{"Rs. 1,49,999", "149999", "INR"},
		{"Rs.1,49,999.50", "149999.50", "INR"},
		{"Rs 6,35,000", "635000", "INR"},
		{"₹1,49,999", "149999", "INR"},
		{"¥12,800", "12800", "JPY"},
		{"￥１２，８００", "12800", "JPY"},
		{"12,800円", "12800", "JPY"},
		{"12.50元", "12.50", "CNY"},
		{"RMB 88", "88", "CNY"},
		{"₩19,900", "19900", "KRW"},
		{"19,900원", "19900", "KRW"},
		{"1.299.000 ₫", "1299000", "VND"},
		{"1.299.000đ", "1299000", "VND"},
		{"Rp 1.299.000", "1299000", "IDR"},
		{"RM 12.90", "12.90", "MYR"},
		{"฿1,290", "1290", "THB"},
		{"₱1,290.00", "1290.00", "PHP"},
		{"R 1 299.00", "1299.00", "ZAR"},
		{"R1,299.00", "1299.00", "ZAR"},
		{"KSh 1,299", "1299", "KES"},
		{"S/ 129.90", "129.90", "PEN"},
		{"₪ 129.90", "129.90", "ILS"},
		{"ر.س 126", "126", "SAR"},
		{"١٢٦ ر.س", "126", "SAR"},
		{"١٬٢٩٩٫٥٠ ر.س", "1299.50", "SAR"},
		{"۱۲۶", "126", ""},
		{"१,४९,९९९ रु", "149999", "INR"},
		{"AED 1,299", "1299", "AED"},
		// Three decimals.
		{"KWD 1.250", "1.250", "KWD"},
		{"1.250 KWD", "1.250", "KWD"},
		{"KWD 1,250", "1250", "KWD"},
		{"12,500 TND", "12.500", "TND"},
		{"EUR 1.250", "1250", "EUR"},
		// Text around.
		{"Now only $12.99!", "12.99", "USD"},
		{"2 for $10", "10", "USD"},
		{"Pack of 6: $12.99", "12.99", "USD"},
		{"3 x 12,99 €", "12.99", "EUR"},
		{"iPhone 15 128 GB 799 €", "799", "EUR"},
		{"-20% $15", "15", "USD"},
		{"20% off: 15", "15", ""},
		{"€ 12.99 / 100 g", "12.99", "EUR"},
		{"Price (EUR): 12.99", "12.99", "EUR"},
		{"Price in USD 12.99", "12.99", "USD"},
		{"Was $20.00 Now $15.00", "15.00", "USD"},
		{"statt 20,00 € nur 15,00 €", "15.00", "EUR"},
		{"$15.00 was $20.00", "15.00", "USD"},
		{"TOP 10 from 12 €", "12", "EUR"},
		{"ALL 1200", "1200", "ALL"},
		{"B07FW264WL $3.34", "3.34", "USD"},
		{"$12 €15", "12", "USD"},
		{"$12 EUR 15", "12", "USD"},
		{"Price (KWD): 1.250", "1.250", "KWD"},
		{"model 2026 128 €", "128", "EUR"},
		{"每箱799元起", "799", "CNY"},
		{"35,35 б.р.", "35.35", "BYN"},
		// Ranges.
		{"10 - 20", "10", ""},
		{"$10 - $20", "10", "USD"},
		{"10 – 20 €", "10", "EUR"},
		{"10-20 €", "10", "EUR"},
		{"10 bis 20 €", "10", "EUR"},
		{"de 1.250 à 2.500 EUR", "1250", "EUR"},
		{"1.250 - 2.500 KWD", "1.250", "KWD"},
		// Signs.
		{"-12.50", "-12.50", ""},
		{"-$12.50", "-12.50", "USD"},
		{"$-12.50", "-12.50", "USD"},
		{"−12,50 €", "-12.50", "EUR"},
		{"(1,234)", "1234", ""},
		{"-0.00", "0.00", ""},
		{"Sale–12 €", "12", "EUR"},
		// Words.
		{"Free", "0", ""},
		{"kostenlos", "0", ""},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			got, err := parse.ParseMoney(tc.text)
			require.NoError(t, err)
			require.Equal(t, parse.Money{Amount: tc.amount, Currency: tc.currency}, got)
		})
	}
}

func TestParseMoneyRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"price on request", "€", "20%", "save 20 %", "1.2.3", "12.31.2026", "B07FW264WL", "-", "...", "Free shipping",
		"0,012.345", "1,2,3", "/ 100 pack", "1'234,567.89", "1234567890123456789012345678901", "NaN", "\x00",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := parse.ParseMoney(text)
			require.Error(t, err)
		})
	}
	_, err := parse.ParseMoney(" \u00a0\n")
	require.ErrorIs(t, err, parse.ErrEmpty)
	_, err = parse.ParseMoney("call us")
	require.ErrorIs(t, err, parse.ErrMoney)
}

func TestCurrencyCode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"€": "EUR", "eur": "EUR", "EUR": "EUR", "usd": "USD", "Lei": "RON", "zł": "PLN", "kr": "", "credits": "",
		"XXX": "", "ALL": "ALL", "Rs": "INR", "": "", "SLE": "SLE", "ر.س": "SAR", "Kn": "HRK",
	} {
		require.Equal(t, want, parse.CurrencyCode(text), text)
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{
		"1.299,00 €", "$1,299.00", "CHF 1'299.–", "Rs. 1,49,999", "12€99", "99p", "KWD 1.250", "12٫345", "-$12", "10 - 20 €",
		"1 299:50 kr", "12⁹⁹ €", "Was $20 Now $15", "\xff1.2.3", "00012.345", "ALL 12", "0.001p", "-1¢",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parse.ParseMoney(s)
		if err != nil {
			require.Equal(t, parse.Money{}, m)
			return
		}
		require.Regexp(t, `^-?(0|[1-9]\d*)(\.\d+)?$`, m.Amount)
		again, err := parse.ParseMoney(m.String())
		require.NoError(t, err, "the canonical form %q of %q", m, s)
		require.Equal(t, m.String(), again.String(), s)
	})
}
