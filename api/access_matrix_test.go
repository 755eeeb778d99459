package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// Who may do an operation, from the fewest to the most.
const (
	everybody = "everybody"
	known     = "known"
)

// expected is who may do what, written down a second time: the least role, and the scope
// that a key needs. A change of the table in package access is to be made here too, by
// whoever means it.
var expected = map[string][2]string{
	"livez":       {everybody, ""},
	"readyz":      {everybody, ""},
	"getDocument": {everybody, ""},
	"getDocs":     {everybody, ""},

	"getMe":             {known, ""},
	"listOrganisations": {known, ""},
	"createTicket":      {"viewer", "executions:read"},

	"createProject":     {"member", "projects:write"},
	"listProjects":      {"viewer", "projects:read"},
	"getProject":        {"viewer", "projects:read"},
	"updateProject":     {"member", "projects:write"},
	"deleteProject":     {"member", "projects:write"},
	"getProjectMetrics": {"viewer", "projects:read"},
	"listProjectJobs":   {"viewer", "jobs:read"},
	"execute":           {"member", "executions:run"},
	"tryProject":        {"member", "executions:run"},

	"createBatch":    {"member", "batches:write"},
	"listBatches":    {"viewer", "batches:read"},
	"previewBatch":   {"member", "batches:write"},
	"getBatch":       {"viewer", "batches:read"},
	"updateBatch":    {"member", "batches:write"},
	"deleteBatch":    {"member", "batches:write"},
	"setGroundTruth": {"member", "jobs:write"},
	"listJobs":       {"viewer", "jobs:read"},
	"exportJobs":     {"viewer", "jobs:read"},

	"listExecutions":            {"viewer", "executions:read"},
	"getExecution":              {"viewer", "executions:read"},
	"getStats":                  {"viewer", "executions:read"},
	"streamEvents":              {"viewer", "executions:read"},
	"streamEventsOverWebSocket": {"viewer", "executions:read"},
	"getExecutionMetrics":       {"viewer", "executions:read"},
	"listExecutionSessions":     {"viewer", "jobs:read"},
	"exportSessions":            {"viewer", "jobs:read"},
	"pause":                     {"member", "executions:control"},
	"resume":                    {"member", "executions:control"},
	"stop":                      {"member", "executions:control"},
	"setConcurrency":            {"member", "executions:control"},

	"bulkDeleteJobs": {"member", "jobs:write"},
	"bulkUpdateJobs": {"member", "jobs:write"},
	"bulkRerunJobs":  {"member", "executions:run"},
	"getJob":         {"viewer", "jobs:read"},
	"updateJob":      {"member", "jobs:write"},
	"deleteJob":      {"member", "jobs:write"},
	"listSessions":   {"viewer", "jobs:read"},
	"getSession":     {"viewer", "jobs:read"},
	"getScreenshot":  {"viewer", "jobs:read"},

	"getOrganisation":    {"viewer", "organisation:read"},
	"updateOrganisation": {"owner", "organisation:write"},
	"listMembers":        {"admin", "members:read"},
	"addMember":          {"admin", "members:write"},
	"updateMember":       {"admin", "members:write"},
	"removeMember":       {"admin", "members:write"},
	"listKeys":           {"admin", "keys:read"},
	"createKey":          {"admin", "keys:write"},
	"getKey":             {"admin", "keys:read"},
	"rotateKey":          {"admin", "keys:write"},
	"revokeKey":          {"admin", "keys:write"},
	"listAudit":          {"admin", "audit:read"},
	"exportAudit":        {"admin", "audit:read"},
}

// roleNames are the roles from the least to the most, written down a second time.
var roleNames = []string{"viewer", "member", "admin", "owner"}

// asked is an operation of the document as a request to a record that there is not.
type asked struct{ id, method, path string }

// operations lists all that the document has.
func operations(t *testing.T) []asked {
	t.Helper()
	c, err := readDocument()
	require.NoError(t, err)
	var out []asked
	for path, item := range c.document.Paths.Map() {
		for method, operation := range item.Operations() {
			out = append(out, asked{id: operation.OperationID, method: method, path: path})
		}
	}
	slices.SortFunc(out, func(a, b asked) int { return strings.Compare(a.id, b.id) })
	return out
}

func idsOf(all []asked) []string {
	out := make([]string, len(all))
	for i, o := range all {
		out[i] = o.id
	}
	return out
}

var pathParameter = regexp.MustCompile(`\{\w+\}`)

// ask does an operation to a record that there is not.
func (b *bundle) ask(o asked) *answer {
	b.t.Helper()
	path := pathParameter.ReplaceAllStringFunc(o.path, func(string) string { return uuid.NewString() })
	if o.method == http.MethodGet || o.method == http.MethodDelete {
		return b.send(b.request(o.method, path, "", nil))
	}
	return b.send(b.request(o.method, path, "application/json", strings.NewReader("{}")))
}

// lets requires that an operation is not refused for who asks.
func (a *answer) lets(o asked, who string) {
	a.t.Helper()
	require.NotContains(a.t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.status, "%s as %s: %s", o.id, who, a.body)
}

// forbids requires that an operation is refused for what the caller lacks, and says what.
func (a *answer) forbids(o asked, who string) {
	a.t.Helper()
	require.Equal(a.t, http.StatusForbidden, a.status, "%s as %s: %s", o.id, who, a.body)
	require.Contains(a.t, a.problem(http.StatusForbidden, wire.CodeForbidden).Detail, expected[o.id][1], o.id)
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	all := operations(t)
	require.Equal(t, slices.Sorted(maps.Keys(expected)), idsOf(all), "say of each operation of the document who may do it")
	require.Equal(t, access.OperationIDs(), idsOf(all))

	b := setupAccess(t, nil)
	home := models.DefaultOrganisationID
	var every []access.Permission
	for _, rule := range expected {
		if scope := access.Permission(rule[1]); scope != "" && !slices.Contains(every, scope) {
			every = append(every, scope)
		}
	}
	require.ElementsMatch(t, access.Permissions(), every)

	t.Run("Nobody", func(t *testing.T) {
		t.Parallel()
		nobody := b.as("")
		nobody.t = t
		for _, o := range all {
			if expected[o.id][0] == everybody {
				nobody.ask(o).lets(o, "nobody")
				continue
			}
			got := nobody.ask(o)
			require.Equal(t, http.StatusUnauthorized, got.status, o.id)
			got.problem(http.StatusUnauthorized, wire.CodeUnauthorized)
			require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"), o.id)
		}
	})

	for i, name := range roleNames {
		t.Run("Role"+name, func(t *testing.T) {
			t.Parallel()
			somebody := b.as(b.key(home, access.Role(name), nil))
			somebody.t = t
			for _, o := range all {
				least := slices.Index(roleNames, expected[o.id][0]) // -1: of everybody
				if i >= least {
					somebody.ask(o).lets(o, name)
				} else {
					somebody.ask(o).forbids(o, name)
				}
			}
		})
	}

	t.Run("NoScopes", func(t *testing.T) {
		t.Parallel()
		none := b.as(b.key(home, access.Owner, []access.Permission{}))
		none.t = t
		for _, o := range all {
			if expected[o.id][1] == "" {
				none.ask(o).lets(o, "a key without scopes")
			} else {
				none.ask(o).forbids(o, "a key without scopes")
			}
		}
	})

	// One scope opens what needs it and nothing else, and no other scope opens that.
	t.Run("EachScope", func(t *testing.T) {
		t.Parallel()
		for _, scope := range every {
			one := b.as(b.key(home, access.Owner, []access.Permission{scope}))
			one.t = t
			for _, o := range all {
				if needs := expected[o.id][1]; needs == "" || needs == string(scope) {
					one.ask(o).lets(o, string(scope))
				} else {
					one.ask(o).forbids(o, string(scope))
				}
			}
		}
	})

	// A scope gives nobody what the role does not have.
	t.Run("ScopesBeyondTheRole", func(t *testing.T) {
		t.Parallel()
		viewer := b.as(b.key(home, access.Viewer, every))
		viewer.t = t
		for _, o := range all {
			if slices.Contains([]string{everybody, known, "viewer"}, expected[o.id][0]) {
				viewer.ask(o).lets(o, "a viewer with all scopes")
			} else {
				viewer.ask(o).forbids(o, "a viewer with all scopes")
			}
		}
	})
}
