package parse

import (
	"strconv"
	"strings"
)

// monthNames holds, month by month, the names and abbreviations of the languages
// that Date understands. An abbreviation that is listed needs no point.
//
//nolint:misspell // the words are not English
var monthNames = [12]string{
	"january jan januar jänner jän janvier janv enero ene gennaio gen januari janeiro stycznia styczeń sty leden ledna",
	"february feb februar feber février fevrier févr fevr fév fev febrero febbraio februari fevereiro lutego luty lut únor února",
	"march mar märz maerz mär mrz mars marzo maart mrt março marca marzec březen března",
	"april apr avril avr abril abr aprile kwietnia kwiecień kwi duben dubna",
	"may mai mayo maggio mag mei maj maja maio květen května",
	"june jun juni juin junio giugno giu junho czerwca czerwiec cze červen června",
	"july jul juli juillet juil julio luglio lug julho lipca lipiec lip červenec července",
	"august aug août aout aoû agosto ago augustus augusti sierpnia sierpień sie srpen srpna",
	"september sep sept septembre septiembre set settembre setembro września wrzesień wrz září",
	"october oct oktober okt octobre octubre ottobre ott outubro out października październik paź říjen října",
	"november nov novembre noviembre novembro listopada listopad lis",
	"december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro desember des grudnia grudzień gru prosinec prosince",
}

var months = func() map[string]string {
	out := make(map[string]string, 200)
	for i, names := range monthNames {
		for name := range strings.FieldsSeq(names) {
			out[name] = strconv.Itoa(i + 1)
		}
	}
	return out
}()

// monthOf gives the number of a month by its name, "" for any other word.
func monthOf(name string) string { return months[strings.ToLower(name)] }
