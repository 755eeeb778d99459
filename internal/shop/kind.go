package shop

import "github.com/minohq/mino/api/wire"

// Kind is how a page behaves.
type Kind string

// The kinds.
const (
	OK          Kind = "ok"
	Slow        Kind = "slow"
	RateLimited Kind = "rate_limited"
	Flaky       Kind = "flaky"
	Malformed   Kind = "malformed"
	Partial     Kind = "partial"
	WrongTruth  Kind = "wrong_truth"
	Empty       Kind = "empty"
	Blocked     Kind = "blocked"
	Gone        Kind = "gone"
	Broken      Kind = "broken"
)

// kinds is the plan of the shop: what there is of each kind and what MINO should
// make of it.
var kinds = []struct {
	kind   Kind
	pages  int
	expect Outcome
	words  string
}{
	{OK, 26, "correct", "Ordinary pages: JSON-LD, microdata, RDFa, meta elements or nothing but text, in seven locales."},
	{Slow, 6, "correct", "The server takes one to three seconds; two of the pages are heavy as well. Other jobs go on meanwhile."},
	{RateLimited, 4, "correct", "The first request is answered 429. MINO waits and asks again."},
	{Flaky, 4, "correct", "The first request is answered 503. The second one works."},
	{Malformed, 4, "correct", "Broken HTML and broken JSON-LD, as browsers forgive them."},
	{Partial, 3, "partial", "The page is fine, but the price in the CSV is of last year: three of four fields agree."},
	{WrongTruth, 3, "wrong", "The page is fine, but the CSV holds the truth of another product: nothing agrees."},
	{Empty, 2, "empty", "200, and no product: a page that is filled by scripts, which a fetch does not run."},
	{Blocked, 4, "blocked", "200, but the page says \"access denied\" or shows a captcha. Completed is not the same as right."},
	{Gone, 3, "failed: permanent", "404. Asking again would not help, so it is not done."},
	{Broken, 3, "failed: transient", "500 every time. MINO gives up after the attempts of the preset."},
}

// Outcome is what MINO makes of a page: the verdict of a job that completed, or
// "failed: " and the error class.
type Outcome string

// OutcomeOf reads a job's outcome. A job that has not ended, or was cancelled, has
// its status for one.
func OutcomeOf(job wire.Job) Outcome {
	switch {
	case job.Status == "completed":
		return Outcome(job.Verdict)
	case job.Status == "failed" && job.Error != nil:
		return Outcome("failed: " + job.Error.Class)
	}
	return Outcome(job.Status)
}

// Explanation says of one kind of page what it is and what to expect.
type Explanation struct {
	Kind   Kind
	Pages  int
	Expect Outcome
	Words  string
}

// Explain lists the kinds, the well-behaved first.
func (s *Shop) Explain() []Explanation {
	out := make([]Explanation, len(kinds))
	for i, k := range kinds {
		out[i] = Explanation{k.kind, k.pages, k.expect, k.words}
	}
	return out
}
