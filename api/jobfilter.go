package api

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// readJobFilter reads the filters that every list of jobs has.
func readJobFilter(q *query) models.JobFilter {
	f := models.JobFilter{
		ExecutionID:     q.id("execution_id"),
		Status:          oneOf(q, "status", models.JobStatuses()),
		Verdict:         oneOf(q, "verdict", scoring.Verdicts()),
		ErrorClass:      oneOf(q, "error_class", failure.Classes()),
		HasGroundTruth:  q.boolean("has_ground_truth"),
		MinAccuracy:     q.share("min_accuracy"),
		MaxAccuracy:     q.share("max_accuracy"),
		Search:          strings.TrimSpace(q.text("search")),
		Host:            strings.ToLower(strings.TrimSpace(q.text("host"))),
		MismatchedField: q.text("mismatched_field"),
	}
	checkJobFilter(f, func(name, message string) { q.refuse(name, "%s", message) })
	return f
}

// checkJobFilter refuses what no filter may have, wherever it was read. The index of URLs
// knows parts of three characters and more.
func checkJobFilter(f models.JobFilter, refuse func(name, message string)) {
	if n := utf8.RuneCountInString(f.Search); n > 0 && n < wire.MinSearchLength || n > wire.MaxSearchLength {
		refuse("search", fmt.Sprintf("must have between %d and %d characters", wire.MinSearchLength, wire.MaxSearchLength))
	}
	if f.MinAccuracy != nil && f.MaxAccuracy != nil && *f.MinAccuracy > *f.MaxAccuracy {
		refuse("max_accuracy", "must not be less than min_accuracy")
	}
}

// bindJobFilter binds the cursors of a list to a filter.
func bindJobFilter(l *list, f models.JobFilter) {
	l.id("project_id", f.ProjectID)
	l.id("batch_id", f.BatchID)
	l.id("execution_id", f.ExecutionID)
	filter(l, "status", f.Status...)
	filter(l, "verdict", f.Verdict...)
	filter(l, "error_class", f.ErrorClass...)
	if f.HasGroundTruth != nil {
		filter(l, "has_ground_truth", strconv.FormatBool(*f.HasGroundTruth))
	}
	l.share("min_accuracy", f.MinAccuracy)
	l.share("max_accuracy", f.MaxAccuracy)
	l.text("search", strings.ToLower(f.Search))
	l.text("host", f.Host)
	l.text("mismatched_field", f.MismatchedField)
}

func (l *list) share(name string, x *float64) {
	if x != nil {
		filter(l, name, strconv.FormatFloat(*x, 'g', -1, 64))
	}
}

func (l *list) text(name, value string) {
	if value != "" {
		filter(l, name, value)
	}
}

// share reads a number between 0 and 1.
func (q *query) share(name string) *float64 {
	text := q.text(name)
	if text == "" {
		return nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || x < 0 || x > 1 {
		q.refuse(name, "must be a number between 0 and 1")
		return nil
	}
	return &x
}
