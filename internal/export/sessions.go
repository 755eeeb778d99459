package export

import (
	"encoding/json"

	"github.com/minohq/mino/models"
)

// Sessions chooses columns of sessions, and says which parts of them those need. Without
// a choice it is all but steps, raw and evidence. What is wrong with the choice is a
// *ColumnsError.
func Sessions(head *models.ExportHead, columns []string) (*Table[models.ExportedSession], models.SessionParts, error) {
	type session = models.ExportedSession
	result := &source[session]{raw: func(s *session) json.RawMessage { return s.Result }}
	all := catalogue[session]{usual: []column[session]{
		own("row", func(s *session) Cell { return intCell(s.RowNumber) }),
		own("job_id", func(s *session) Cell { return idCell(s.JobID) }),
		own(siteURLColumn, func(s *session) Cell { return textCell(s.SiteURL) }),
		own("session_id", func(s *session) Cell { return idCell(s.ID) }),
		own("execution_id", func(s *session) Cell { return idCell(s.ExecutionID) }),
		own("attempt", func(s *session) Cell { return intCell(s.Attempt) }),
		own("status", func(s *session) Cell { return textCell(string(s.Status)) }),
		own("worker", func(s *session) Cell { return textCell(s.Worker) }),
		own("remote_run_id", func(s *session) Cell { return textCell(s.RemoteRunID) }),
	}}
	for _, f := range head.Fields {
		all.usual = append(all.usual, member(resultPrefix+f.Name, result, f.Name, plainMember))
	}
	all.usual = append(all.usual,
		own("verdict", func(s *session) Cell { return textCell(s.Verdict) }),
		own("verdict_note", func(s *session) Cell { return textCell(s.VerdictNote) }),
		own("error_class", func(s *session) Cell { return textCell(s.ErrorClass) }),
		own("error_code", func(s *session) Cell { return textCell(s.ErrorCode) }),
		own("error_message", func(s *session) Cell { return textCell(s.ErrorMessage) }),
		own("started_at", func(s *session) Cell { return timeCell(s.StartedAt) }),
		own("finished_at", func(s *session) Cell { return timeCell(s.FinishedAt) }),
		own("duration_ms", func(s *session) Cell { return durationCell(s.StartedAt, s.FinishedAt) }),
		own("retry_at", func(s *session) Cell { return timeCell(s.RetryAt) }),
		own("cost", func(s *session) Cell { return costCell(s.Cost) }),
		own("usage", func(s *session) Cell { return jsonCell(s.Usage) }),
	)
	all.columns = append(append(all.columns, all.usual...),
		own("steps", func(s *session) Cell { return intCell(s.Steps) }),
		own("raw", func(s *session) Cell { return jsonCell(s.Raw) }),
		own("evidence", func(s *session) Cell { return jsonCell(s.Evidence) }),
	)
	table, err := all.choose(columns)
	if err != nil {
		return nil, models.SessionParts{}, err
	}
	parts := models.SessionParts{Result: result.wanted()}
	for i := range table.columns {
		switch table.columns[i].name {
		case "usage":
			parts.Usage = true
		case "raw":
			parts.Raw = true
		case "evidence":
			parts.Evidence = true
		}
	}
	return table, parts, nil
}
