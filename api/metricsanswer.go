package api

import (
	"maps"
	"math"
	"slices"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func metricsAnswer(m *models.Metrics) wire.Metrics {
	out := wire.Metrics{
		From: m.From.UTC(), To: m.To.UTC(), Bucket: string(m.Bucket),
		Jobs:        jobsAnswer(m.Completed, m.Failed, m.Cancelled),
		SuccessRate: share(m.Completed, m.Completed+m.Failed),
		Retries:     m.Retries,
		Costs:       costsAnswer(m.Costs),
		Accuracy:    accuracy(m.Matched, m.Compared),
		JobAccuracy: accuracy(m.CorrectJobs, m.ScoredJobs),
		Fields:      fieldsAnswer(m.Fields),
		Verdicts:    make(map[string]int, len(m.Verdicts)),

		ErrorClasses:     make(map[string]wire.ErrorCount, len(m.Errors)),
		TopErrors:        make([]wire.CodeCount, len(m.TopErrors)),
		AttemptDurations: durationsAnswer(m.Attempts),
		JobDurations:     durationsAnswer(m.JobTimes),

		Series: make([]wire.MetricsPoint, len(m.Series)),
		Hosts:  make([]wire.HostMetrics, len(m.Hosts)),
	}
	for verdict, n := range m.Verdicts {
		out.Verdicts[string(verdict)] = n
	}
	for class, n := range m.Errors {
		out.ErrorClasses[string(class)] = wire.ErrorCount(n)
	}
	for i, e := range m.TopErrors {
		out.TopErrors[i] = codeAnswer(e)
	}
	for i, p := range m.Series {
		out.Series[i] = wire.MetricsPoint{
			Start: p.Start.UTC(), Jobs: jobsAnswer(p.Completed, p.Failed, p.Cancelled), Retries: p.Retries,
			Costs: costsAnswer(p.Costs), Accuracy: accuracy(p.Matched, p.Compared), Fields: fieldsAnswer(p.Fields),
		}
	}
	for i, h := range m.Hosts {
		out.Hosts[i] = wire.HostMetrics{
			Host: h.Host, Jobs: jobsAnswer(h.Completed, h.Failed, h.Cancelled),
			SuccessRate: share(h.Completed, h.Completed+h.Failed), BlockedShare: share(h.Blocked, h.Completed+h.Failed),
			Accuracy: accuracy(h.Matched, h.Compared), Attempts: durationsAnswer(h.Attempts),
		}
		if h.TopError != nil {
			top := codeAnswer(*h.TopError)
			out.Hosts[i].TopError = &top
		}
	}
	return out
}

func jobsAnswer(completed, failed, cancelled int) wire.MetricsJobs {
	return wire.MetricsJobs{Ended: completed + failed + cancelled, Completed: completed, Failed: failed, Cancelled: cancelled}
}

// share is nil when there is nothing to share.
func share(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	out := float64(part) / float64(whole)
	return &out
}

func costsAnswer(costs map[string]int64) []wire.Cost {
	out := make([]wire.Cost, 0, len(costs))
	for _, currency := range slices.Sorted(maps.Keys(costs)) {
		out = append(out, wire.Cost{Currency: currency, CostMicros: costs[currency]})
	}
	return out
}

func fieldsAnswer(fields map[string]models.FieldTally) map[string]wire.Accuracy {
	out := make(map[string]wire.Accuracy, len(fields))
	for name, f := range fields {
		if a := accuracy(f.Matched, f.Compared); a != nil {
			out[name] = *a
		}
	}
	return out
}

func codeAnswer(c models.CodeCount) wire.CodeCount {
	return wire.CodeCount{Class: string(c.Class), Code: c.Code, Attempts: c.Attempts, Jobs: c.Jobs}
}

func durationsAnswer(d models.Durations) *wire.Durations {
	if d.Count == 0 {
		return nil
	}
	return &wire.Durations{
		Count: d.Count, P50MS: int64(math.Round(d.P50)), P95MS: int64(math.Round(d.P95)), P99MS: int64(math.Round(d.P99)),
	}
}
