package export

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
)

func TestCellHasATextAndItsJSON(t *testing.T) {
	t.Parallel()
	third := 1.0 / 3
	at := time.Date(2026, 11, 24, 13, 5, 6, 789_000_000, time.FixedZone("", 3600))
	id := uuid.MustParse("00000000-0000-7000-8000-000000000001")
	tests := []struct {
		name string
		cell Cell
		text string
		json string
	}{
		{"Nothing", Cell{}, "", "null"},
		{"NULL", jsonCell(nil), "", "null"},
		{"JSONNull", jsonCell([]byte("null")), "", "null"},
		{"Text", textCell("a \"b\"\n<é>"), "a \"b\"\n<é>", `"a \"b\"\n<é>"`},
		{"ControlCharacters", textCell("a\x01\x1bb\tc\uFFFFd"), "a\uFFFD\uFFFDb\tc\uFFFDd", "\"a\\u0001\\u001bb\\tc\uFFFFd\""},
		{"Integer", intCell(-7), "-7", "-7"},
		{"NoAccuracy", floatCell(nil), "", "null"},
		{"Accuracy", floatCell(&third), "0.3333333333333333", "0.3333333333333333"},
		{"Time", timeCell(at), "2026-11-24T12:05:06.789Z", `"2026-11-24T12:05:06.789Z"`},
		{"NoTime", timeCell(time.Time{}), "", "null"},
		{"Duration", durationCell(at, at.Add(1500*time.Millisecond)), "1500", "1500"},
		{"UnknownDuration", durationCell(at, time.Time{}), "", "null"},
		{"ID", idCell(id), id.String(), `"` + id.String() + `"`},
		{"NoID", idCell(uuid.Nil), "", "null"},
		{"Cost", costCell(&models.Cost{Micros: 12_345, Currency: "USD"}), "0.012345 USD", `{"amount":"0.012345","currency":"USD"}`},
		{"RoundCost", costCell(&models.Cost{Micros: 1_500_000, Currency: "EUR"}), "1.50 EUR", `{"amount":"1.50","currency":"EUR"}`},
		{"CostOfNoCurrency", costCell(&models.Cost{Micros: 1}), "0.000001", `{"amount":"0.000001"}`},
		{"NoCost", costCell(nil), "", "null"},
		{"JSONText", jsonCell([]byte(`"a\u0001 \"b\""`)), "a\uFFFD \"b\"", `"a\u0001 \"b\""`},
		{"JSONNumber", jsonCell([]byte("-12.50")), "-12.5", "-12.50"},
		{"WholeNumber", jsonCell([]byte("100")), "100", "100"},
		{"NumberOfZeros", jsonCell([]byte("3.000")), "3", "3.000"},
		{"Boolean", jsonCell([]byte("true")), "true", "true"},
		{"Money", jsonCell([]byte(`{"amount": "1299.00", "currency": "EUR"}`)), "1299.00 EUR", `{"amount": "1299.00", "currency": "EUR"}`},
		{"MoneyOfNoCurrency", jsonCell([]byte(`{"amount": 5}`)), "5", `{"amount": 5}`},
		{"MoneyThatReadsLikeAGroup", jsonCell([]byte(`{"amount": "1.299"}`)), "1.2990", `{"amount": "1.299"}`},
		{"ObjectThatIsNoMoney", jsonCell([]byte(`{"amount": "1", "unit": "kg"}`)), `{"amount": "1", "unit": "kg"}`, `{"amount": "1", "unit": "kg"}`},
		{"List", jsonCell([]byte(`["a", "b|c", 2.0, true, null, ["x"]]`)), `a|b\|c|2|true||["x"]`, `["a", "b|c", 2.0, true, null, ["x"]]`},
		{"ListThatEndsInABackslash", jsonCell([]byte(`["a\\", "b"]`)), `a\ |b`, `["a\\", "b"]`},
		{"EmptyList", jsonCell([]byte(`[]`)), "", "[]"},
		{"Truth", truthCell([]byte(`["10.00", "10|20"]`), false), `10.00|10\|20`, `["10.00", "10|20"]`},
		{"TruthOfAPattern", truthCell([]byte(`["1(0|1)"]`), true), "1(0|1)", `["1(0|1)"]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := []byte("before ")
			got, err := test.cell.AppendText(before)
			require.NoError(t, err)
			require.Equal(t, "before "+test.text, string(got))
			got, err = test.cell.AppendJSON(before)
			require.NoError(t, err)
			require.Equal(t, "before "+test.json, string(got))
		})
	}
	for _, malformed := range []string{`{"a"`, `{"a" 1}`, `{"a":1,}`, `[1,`, `[`, `{`, `["a`, `"a\x"`, `[1 2]`, `{"amount": "\x"}`} {
		_, err := jsonCell([]byte(malformed)).AppendText(nil)
		require.Error(t, err, malformed)
	}
	got, err := matchCell([]byte(`{"match": false, "actual": {"match": true}}`))
	require.NoError(t, err)
	require.Equal(t, jsonCell([]byte("false")), got)
	_, err = matchCell([]byte(`{"match"`))
	require.Error(t, err)
}

func TestFormulasAreDefused(t *testing.T) {
	t.Parallel()
	for _, dangerous := range []string{
		"=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", "\n=1", "\tplain", "\rplain", "\nplain",
		"＝1+1", "＋1", "－1", "＠SUM(A1)", " =1+1", "\u00a0=1", "\ufeff=1", "\u200b=1", "+4930123456", "-", "--1", "-x", "-1-1", "-1 EUR USD",
		"-12.5.1", "-1e5", "-12,5", "=", "@", "-1 =x", `=HYPERLINK("http://evil.example","x")`, "-2+3+cmd|' /C calc'!A0", "-1.5 EUR\n=1",
	} {
		require.Equal(t, "x'"+dangerous, string(AppendDefused([]byte("x"), []byte(dangerous))), "%q", dangerous)
	}
	for _, harmless := range []string{
		"", "a", "a=b", "1", "-1", "-12.5", "-12.50 EUR", "12-5", "'=1", "https://shop.example/?a=b", " a", "é", "\"=1\"", "|=1", "0-1", " -1 "[1:3],
	} {
		require.Equal(t, harmless, string(AppendDefused(nil, []byte(harmless))), "%q", harmless)
	}
}
