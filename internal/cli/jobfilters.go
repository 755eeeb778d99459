package cli

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// JobFilters choose jobs; all that are given must hold.
type JobFilters struct {
	Status          []string   `group:"Filters" placeholder:"STATUS" complete:"queued,running,completed,failed,cancelled" help:"In one of these states: queued, running, completed, failed, cancelled."`
	Verdict         []string   `group:"Filters" placeholder:"VERDICT" complete:"correct,partial,wrong,unverified,empty,blocked,schema_invalid" help:"With one of these verdicts: correct, partial, wrong, unverified, empty, blocked, schema_invalid."`
	ErrorClass      []string   `group:"Filters" placeholder:"CLASS" complete:"transient,rate_limit,timeout,network,permanent" help:"Failed in one of these ways: transient, rate_limit, timeout, network, permanent."`
	Host            string     `group:"Filters" placeholder:"HOST" help:"With a page of this host."`
	Search          string     `group:"Filters" placeholder:"TEXT" help:"With this text, of 3 characters or more, in the page's address."`
	MinAccuracy     *float64   `group:"Filters" placeholder:"X" help:"With an accuracy of X or more, 0 to 1."`
	MaxAccuracy     *float64   `group:"Filters" placeholder:"X" help:"With an accuracy of X or less, 0 to 1."`
	GroundTruth     *bool      `group:"Filters" name:"has-ground-truth" negatable:"no-ground-truth" help:"With a ground truth, or without one."`
	MismatchedField string     `group:"Filters" placeholder:"FIELD" help:"With a value of this field that is not the right one."`
	Execution       *uuid.UUID `group:"Filters" placeholder:"ID" help:"Last run by this execution."`
}

// check refuses what could not be right.
func (f *JobFilters) check() error {
	return errors.Join(inShare("--min-accuracy", f.MinAccuracy), inShare("--max-accuracy", f.MaxAccuracy))
}

// body is the filters in a request's body.
func (f *JobFilters) body() wire.JobFilter {
	return wire.JobFilter{
		ExecutionID: f.Execution, Status: f.Status, Verdict: f.Verdict, ErrorClass: f.ErrorClass,
		HasGroundTruth: f.GroundTruth, MinAccuracy: f.MinAccuracy, MaxAccuracy: f.MaxAccuracy,
		Search: f.Search, Host: f.Host, MismatchedField: f.MismatchedField,
	}
}

// given tells whether there is any filter.
func (f *JobFilters) given() bool { return len(f.query()) > 0 }

// query is the filters as parameters.
func (f *JobFilters) query() url.Values {
	query := url.Values{}
	several := func(name string, values []string) {
		if len(values) > 0 {
			query[name] = values
		}
	}
	one := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	number := func(name string, value *float64) {
		if value != nil {
			query.Set(name, strconv.FormatFloat(*value, 'g', -1, 64))
		}
	}
	several("status", f.Status)
	several("verdict", f.Verdict)
	several("error_class", f.ErrorClass)
	one("host", f.Host)
	one("search", f.Search)
	number("min_accuracy", f.MinAccuracy)
	number("max_accuracy", f.MaxAccuracy)
	one("mismatched_field", f.MismatchedField)
	if f.GroundTruth != nil {
		query.Set("has_ground_truth", strconv.FormatBool(*f.GroundTruth))
	}
	if f.Execution != nil {
		query.Set("execution_id", f.Execution.String())
	}
	return query
}
