package export

import (
	"encoding/json"
	"slices"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

// The beginnings of the names of columns that are there for every input column, or every
// field. That of truths is the one by which uploads know them.
const (
	inputPrefix  = "input."
	truthPrefix  = "gt_"
	resultPrefix = "result."
	matchPrefix  = "match."
)

const siteURLColumn = "site_url"

// UploadGroup stands for the columns of the upload itself, under the names that they had,
// so that the rows can be uploaded again.
const UploadGroup = "upload"

// Jobs chooses columns of jobs, and says which parts of them those need. Without a choice
// it is all but cost, steps, project_id, batch_id, next_attempt_at, created_at and updated_at.
// What is wrong with the choice is a *ColumnsError.
func Jobs(head *models.ExportHead, columns []string) (*Table[models.ExportedJob], models.JobParts, error) {
	type job = models.ExportedJob
	input := &source[job]{raw: func(j *job) json.RawMessage { return j.Input }}
	truths := &source[job]{raw: func(j *job) json.RawMessage { return j.GroundTruth }}
	result := &source[job]{raw: func(j *job) json.RawMessage { return j.Result }}
	comparison := &source[job]{raw: func(j *job) json.RawMessage { return j.Comparison }}
	costs := false

	all := catalogue[job]{groups: map[string][]column[job]{}}
	url := own(siteURLColumn, func(j *job) Cell { return textCell(j.SiteURL) })
	all.usual = append(all.usual,
		own("row", func(j *job) Cell { return intCell(j.RowNumber) }),
		own("job_id", func(j *job) Cell { return idCell(j.ID) }), url)
	fields := withTruths(head)
	truthOf := func(f field.Field) column[job] {
		byPattern := f.Compare != nil && f.Compare.Comparer == field.CompareRegex
		return member(truthPrefix+f.Name, truths, f.Name, func(raw []byte) (Cell, error) { return truthCell(raw, byPattern), nil })
	}
	upload := []column[job]{url}
	for _, c := range head.Batch.Columns {
		switch c.Role {
		case models.RoleInput:
			all.usual = append(all.usual, member(inputPrefix+c.Name, input, c.Name, plainMember))
			upload = append(upload, member(c.Name, input, c.Name, plainMember))
		case models.RoleSiteURL, models.RoleGroundTruth, models.RoleIgnored:
		}
	}
	for _, f := range fields {
		all.usual = append(all.usual, truthOf(f))
		upload = append(upload, truthOf(f))
	}
	for _, f := range head.Fields {
		all.usual = append(all.usual, member(resultPrefix+f.Name, result, f.Name, plainMember))
	}
	for _, f := range fields {
		all.usual = append(all.usual, member(matchPrefix+f.Name, comparison, f.Name, matchCell))
	}
	all.usual = append(all.usual,
		own("status", func(j *job) Cell { return textCell(string(j.Status)) }),
		own("verdict", func(j *job) Cell { return textCell(j.Verdict) }),
		own("accuracy", func(j *job) Cell { return floatCell(j.Accuracy) }),
		own("attempts", func(j *job) Cell { return intCell(j.Attempt) }),
		own("error_class", func(j *job) Cell { return textCell(j.ErrorClass) }),
		own("error_code", func(j *job) Cell { return textCell(j.ErrorCode) }),
		own("error_message", func(j *job) Cell { return textCell(j.ErrorMessage) }),
		own("execution_id", func(j *job) Cell { return idCell(j.ExecutionID) }),
		own("started_at", func(j *job) Cell { return timeCell(j.StartedAt) }),
		own("finished_at", func(j *job) Cell { return timeCell(j.FinishedAt) }),
		own("duration_ms", func(j *job) Cell { return durationCell(j.StartedAt, j.FinishedAt) }),
	)
	batch := head.Batch
	all.columns = append(append(all.columns, all.usual...),
		own("cost", func(j *job) Cell { return costCell(j.Cost) }),
		own("steps", func(j *job) Cell { return intCell(j.Steps) }),
		own("project_id", func(*job) Cell { return idCell(batch.ProjectID) }),
		own("batch_id", func(*job) Cell { return idCell(batch.ID) }),
		own("next_attempt_at", func(j *job) Cell { return timeCell(j.NextAttemptAt) }),
		own("created_at", func(j *job) Cell { return timeCell(j.CreatedAt) }),
		own("updated_at", func(j *job) Cell { return timeCell(j.UpdatedAt) }),
	)
	all.groups[UploadGroup] = upload
	table, err := all.choose(columns)
	if err != nil {
		return nil, models.JobParts{}, err
	}
	for i := range table.columns {
		costs = costs || table.columns[i].name == "cost"
	}
	return table, models.JobParts{
		Input: input.wanted(), GroundTruth: truths.wanted(), Result: result.wanted(), Comparison: comparison.wanted(), Cost: costs,
	}, nil
}

// withTruths are the fields that results can have, and those that only the upload knows.
func withTruths(head *models.ExportHead) []field.Field {
	known := make(map[string]bool, len(head.Fields))
	for _, f := range head.Fields {
		known[f.Name] = true
	}
	out := slices.Clip(head.Fields)
	for _, c := range head.Batch.Columns {
		if c.Role == models.RoleGroundTruth && !known[c.Field] {
			known[c.Field] = true
			out = append(out, field.Field{Name: c.Field})
		}
	}
	return out
}
