package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/shop"
)

// page is one page of the shop with the job that read it.
type page struct {
	product shop.Product
	job     wire.Job
	outcome shop.Outcome
}

func (p page) asExpected() bool { return p.outcome == p.product.Expect }

// pagesByKind joins products and jobs by the path of the page. A product without a
// job is not there.
func pagesByKind(s *shop.Shop, jobs []wire.Job) map[shop.Kind][]page {
	out := map[shop.Kind][]page{}
	for _, job := range jobs {
		address, err := url.Parse(job.SiteURL)
		if err != nil {
			continue
		}
		if product, ok := s.Product(address.Path); ok {
			out[product.Kind] = append(out[product.Kind], page{product, job, shop.OutcomeOf(job)})
		}
	}
	return out
}

const (
	asExpected    = "as expected"
	notAsExpected = "NOT AS EXPECTED"
	wordsIndent   = 4
	wordsColumns  = 96
)

// renderShop explains each kind of page: what it is, what was to be expected, what
// MINO said. Pages that were read otherwise are listed below with the reason.
func renderShop(s *shop.Shop, jobs []wire.Job, st style) []string {
	kinds := pagesByKind(s, jobs)
	explained := s.Explain()
	rows := [][]string{{"kind", "pages", "expected", "MINO said", ""}}
	var missed []string
	for _, e := range explained {
		pages := kinds[e.Kind]
		verdict := asExpected
		for _, p := range pages {
			if !p.asExpected() {
				verdict = notAsExpected
				missed = append(missed, mismatch(p)...)
			}
		}
		if len(pages) != e.Pages {
			verdict = fmt.Sprintf("%d of %d pages were run", len(pages), e.Pages)
		}
		rows = append(rows, []string{string(e.Kind), grouped(e.Pages), string(e.Expect), said(pages), verdict})
	}
	lines := explainedLines(table(rows, 1), rows, explained, st)
	if len(missed) == 0 {
		return append(lines, "", st.paint(green, fmt.Sprintf("All %d pages were read as expected.", len(jobs))))
	}
	lines = append(lines, "", st.paint(red, "Read otherwise than expected:"))
	return append(lines, missed...)
}

// explainedLines puts the words of each kind below its row.
func explainedLines(drawn []string, rows [][]string, explained []shop.Explanation, st style) []string {
	lines := []string{st.paint(dim, drawn[0])}
	columns := min(st.columns, wordsColumns)
	if columns <= wordsIndent {
		columns = wordsColumns
	}
	for i, e := range explained {
		row := drawn[i+1]
		if rows[i+1][len(rows[i+1])-1] != asExpected {
			row = st.paint(red, row)
		}
		lines = append(lines, row)
		for _, words := range wrap(e.Words, columns-wordsIndent) {
			lines = append(lines, st.paint(dim, strings.Repeat(" ", wordsIndent)+words))
		}
	}
	return lines
}

// said counts the outcomes of pages, and the attempts where each took the same
// number of more than one.
func said(pages []page) string {
	outcomes, attempts := map[string]int{}, map[int]bool{}
	for _, p := range pages {
		outcomes[string(p.outcome)]++
		attempts[p.job.Attempts] = true
	}
	parts := make([]string, 0, len(outcomes))
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		parts = append(parts, fmt.Sprintf("%s × %d", outcome, outcomes[outcome]))
	}
	text := strings.Join(parts, ", ")
	if len(attempts) == 1 && !attempts[0] && !attempts[1] {
		text += ", at attempt " + grouped(pages[0].job.Attempts)
	}
	return text
}

// mismatch tells of a page that was read otherwise than expected.
func mismatch(p page) []string {
	lines := []string{fmt.Sprintf("  %s (%s): expected %s, was %s", p.job.SiteURL, p.product.Kind, p.product.Expect, p.outcome)}
	if p.job.Error != nil {
		lines = append(lines, "    "+strings.TrimSpace(p.job.Error.Code+" "+p.job.Error.Message))
	}
	for _, name := range slices.Sorted(maps.Keys(p.job.Comparison)) {
		c := p.job.Comparison[name]
		if c.Match {
			continue
		}
		found, err := json.Marshal(c.Actual)
		if err != nil {
			found = []byte("?")
		}
		lines = append(lines, fmt.Sprintf("    %s: expected %s, found %s", name, strings.Join(c.Expected, " or "), found))
	}
	return lines
}
