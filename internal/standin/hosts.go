package standin

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// hosts are behaviours by the first label of a site's host, for people who try things
// out: https://blocked.example.com/p/1 is blocked. Scripts go before them.
var hosts = map[string]Behaviour{
	"blocked": {Outcomes: []Outcome{{Kind: Blocked}}},
	"empty":   {Outcomes: []Outcome{{Kind: AllNull}}},
	"invalid": {Outcomes: []Outcome{{Kind: SchemaInvalid}}},
	"failed":  {Outcomes: []Outcome{{Kind: Failed}}},
	"flaky": {Outcomes: []Outcome{
		{Kind: Failed, Error: &RunError{Message: "A browser was lost", Category: "SYSTEM_FAILURE"}},
		{Kind: Completed},
	}},
	"denied": {Outcomes: []Outcome{{Kind: Failed, Error: &RunError{
		Code: "SITE_BLOCKED", Message: "The site has kept the agent out", Category: "AGENT_FAILURE",
	}}}},
	"cancelled": {Outcomes: []Outcome{{Kind: Cancelled}}},
	"slow":      {Duration: 45 * time.Second},
	"never":     {Outcomes: []Outcome{{Kind: NeverEnds}}},
	"limited":   {Create: []Fault{{Kind: RateLimited, RetryAfter: 2}}},
	"busy":      {Create: []Fault{{Kind: Busy}}},
	"cut":       {Create: []Fault{{Kind: CutAfter}}},
	"credits":   {Create: []Fault{{Kind: NoCredits}}},
	"unsteady":  {Poll: []Fault{{Kind: Internal}, {Kind: CutBefore}}},
}

// HostLabels are the first labels of hosts that say how a run goes, sorted.
func HostLabels() []string { return slices.Sorted(maps.Keys(hosts)) }

func byHost(address string) (Behaviour, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return Behaviour{}, false
	}
	label, rest, ok := strings.Cut(strings.ToLower(u.Hostname()), ".")
	if !ok || rest == "" {
		return Behaviour{}, false
	}
	b, ok := hosts[label]
	return b, ok
}
