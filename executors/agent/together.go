package agent

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minohq/mino/models/failure"
)

// lookTogether has one call answer all looks.
func lookTogether(ctx context.Context, due []*look) {
	ids, asked := []string{}, map[string]bool{}
	for _, k := range due {
		if !asked[k.id] {
			ids, asked[k.id] = append(ids, k.id), true
		}
	}
	caller := due[0].service
	caller.hide = strings.NewReplacer() // each look hides its own, for each has others
	got, err := caller.call(ctx, http.MethodPost, runsPath+"/batch", nil, map[string]any{"run_ids": ids})

	// Jobs say what they used. The call is counted once, and what it brought is divided.
	due[0].service.requests = caller.requests
	for _, k := range due {
		k.service.bytes = caller.bytes / int64(len(due))
	}
	if err == nil && unsupported(got.status) {
		due[0].service.gate.looks.refuse(time.Now())
	}
	told := toldOf(got.body)
	for _, k := range due {
		switch {
		case err != nil:
			k.err = sharedProblem(failure.Classify(err), 0)
		case unsupported(got.status):
			k.err = errAlone
		case !got.ok():
			k.err = k.refusal(got)
		default:
			k.run, k.err = told.about(k)
		}
	}
}

// unsupported tells of answers of a service that does not tell of several runs at once.
func unsupported(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// refusal classifies an answer to all, as one that this look sees.
func (k *look) refusal(got answer) error {
	got.body, _ = redact(map[string]any(got.body), k.service.hide).(map[string]any)
	return sharedProblem(k.service.refused(got), got.status)
}

// sharedProblem gives what went wrong with a call to each of its looks, but for what may
// go well without the others: an answer too large, ids of which one is not taken. A key
// without access or credits is the same for all.
func sharedProblem(f *failure.Error, status int) error {
	if f.Class == failure.Permanent && !f.Pause && status != http.StatusUnauthorized {
		return errAlone
	}
	return f
}

// told is what an answer says of runs, by id.
type told struct {
	isList  bool
	runs    map[string]document
	unknown map[string]bool
}

func toldOf(body document) told {
	_, isList := body["data"].([]any)
	t := told{isList: isList, runs: map[string]document{}, unknown: map[string]bool{}}
	for _, member := range body.list("data") {
		run, _ := member.(map[string]any)
		t.runs[document(run).runID()] = run
	}
	for _, member := range body.list("not_found", "notFound") {
		if id, ok := member.(string); ok {
			t.unknown[id] = true
		}
	}
	return t
}

// about gives what a look was for.
func (t told) about(k *look) (document, error) {
	run, known := t.runs[k.id]
	switch {
	case !t.isList:
		return nil, failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer is not a list of runs")
	case !known && t.unknown[k.id]:
		return nil, nil
	case !known:
		return nil, failure.New(failure.Transient, CodeRunUnknown, "the agent service says nothing of the run")
	case run.status() == "":
		return nil, failure.New(failure.Transient, CodeAnswerUnreadable, "the agent service's answer is not a run")
	case !run.suffices():
		return nil, errAlone
	}
	clean, _ := redact(map[string]any(run), k.service.hide).(map[string]any)
	return clean, nil
}

// suffices tells whether there is all that decides what becomes of a job. A service that
// tells less of a run among others is asked for it once more when it has ended.
func (d document) suffices() bool {
	switch d.status() {
	case statusCompleted:
		return d.has(resultNames...) && d.has(stepNames...)
	case statusFailed:
		return d.has("error")
	}
	return true
}

// has tells whether a member is there, be it null.
func (d document) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, there := d[name]; return there })
}
