package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/minohq/mino/models"
)

// limits are what an operator allows an organisation.
type limits struct {
	RequestsPerMinute    *limit  `placeholder:"N|none" help:"Requests in a minute, to each process of the API."`
	MaxRunningExecutions *limit  `placeholder:"N|none" help:"Executions that have not ended."`
	MaxConcurrentJobs    *limit  `placeholder:"N|none" help:"Jobs at once, over all its executions."`
	MaxJobsPerDay        *limit  `placeholder:"N|none" help:"Jobs that executions are given on a day (UTC)."`
	TaskQueues           *queues `placeholder:"NAME,...|any|none" help:"Task queues that projects of the activity executor may name: those, any but MINO's own, or none."`
}

// none tells whether nothing is to be changed.
func (l *limits) none() bool {
	return l.RequestsPerMinute == nil && l.MaxRunningExecutions == nil && l.MaxConcurrentJobs == nil &&
		l.MaxJobsPerDay == nil && l.TaskQueues == nil
}

// apply changes what is named.
func (l *limits) apply(to *models.Limits) {
	l.RequestsPerMinute.apply(&to.RequestsPerMinute)
	l.MaxRunningExecutions.apply(&to.MaxRunningExecutions)
	l.MaxConcurrentJobs.apply(&to.MaxConcurrentJobs)
	if l.MaxJobsPerDay != nil {
		to.MaxJobsPerDay = l.MaxJobsPerDay.most
	}
	if l.TaskQueues != nil {
		to.TaskQueues = l.TaskQueues.names
	}
}

// limit is a number, or none.
type limit struct{ most *int64 }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *limit) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		l.most = nil
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("must be 1 to %d, or none, is %q", math.MaxInt32, text)
	}
	l.most = &n
	return nil
}

func (l *limit) apply(to **int) {
	if l == nil {
		return
	}
	*to = nil
	if l.most != nil {
		n := int(*l.most)
		*to = &n
	}
}

// queues are names of task queues; nil is any.
type queues struct{ names []string }

// UnmarshalText implements encoding.TextUnmarshaler.
func (q *queues) UnmarshalText(text []byte) error {
	q.names = nil
	switch string(text) {
	case "any":
		return nil
	case "none":
		q.names = []string{}
		return nil
	}
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return errors.New("must be names with commas between them, any, or none")
		}
		q.names = append(q.names, name)
	}
	return nil
}

// shownOrganisation is how an organisation is printed and written down.
type shownOrganisation struct {
	ID                   string   `json:"id"`
	Slug                 string   `json:"slug"`
	Name                 string   `json:"name"`
	ExternalID           *string  `json:"external_id"`
	RequestsPerMinute    *int     `json:"requests_per_minute"`
	MaxRunningExecutions *int     `json:"max_running_executions"`
	MaxConcurrentJobs    *int     `json:"max_concurrent_jobs"`
	MaxJobsPerDay        *int64   `json:"max_jobs_per_day"`
	TaskQueues           []string `json:"task_queues"`
}

func shownOf(o *models.Organisation) shownOrganisation {
	return shownOrganisation{
		ID: o.ID.String(), Slug: o.Slug, Name: o.Name, ExternalID: o.ExternalID,
		RequestsPerMinute: o.RequestsPerMinute, MaxRunningExecutions: o.MaxRunningExecutions,
		MaxConcurrentJobs: o.MaxConcurrentJobs, MaxJobsPerDay: o.MaxJobsPerDay, TaskQueues: o.TaskQueues,
	}
}

// showAll prints organisations as a table.
func showAll(out io.Writer, all []models.Organisation) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(table, strings.Join(cells, "\t")) } // Flush says what went wrong
	row("id", "slug", "name", "external id", "requests/min", "executions", "jobs at once", "jobs/day", "task queues")
	for i := range all {
		o := &all[i]
		external := "–"
		if o.ExternalID != nil {
			external = *o.ExternalID
		}
		row(o.ID.String(), o.Slug, strings.Join(strings.Fields(o.Name), " "), external, most(o.RequestsPerMinute), most(o.MaxRunningExecutions),
			most(o.MaxConcurrentJobs), most(o.MaxJobsPerDay), named(o.TaskQueues))
	}
	return table.Flush()
}

func most[T int | int64](n *T) string {
	if n == nil {
		return "–"
	}
	return fmt.Sprint(*n)
}

func named(names []string) string {
	switch {
	case names == nil:
		return "any"
	case len(names) == 0:
		return "none"
	}
	return strings.Join(names, ",")
}
