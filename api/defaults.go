package api

import (
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func defaultsOf(d wire.ExecutionDefaults) models.ExecutionDefaults {
	return models.ExecutionDefaults{
		Concurrency: d.Concurrency, Preset: d.Preset, Retry: d.Retry, JobTimeoutMS: d.JobTimeoutMS,
		Tolerance: (*models.Tolerance)(d.FailureTolerance),
	}
}

func defaultsAnswer(d models.ExecutionDefaults) wire.ExecutionDefaults {
	return wire.ExecutionDefaults{
		Concurrency: d.Concurrency, Preset: d.Preset, Retry: d.Retry, JobTimeoutMS: d.JobTimeoutMS,
		FailureTolerance: (*wire.Tolerance)(d.Tolerance),
	}
}

// toleranceOf finds the tolerance of an execution: what the request says, else what
// the project does, else none.
func toleranceOf(req wire.ExecuteRequest, defaults models.ExecutionDefaults) *models.Tolerance {
	tolerance := defaults.Tolerance
	if req.FailureTolerance != nil {
		tolerance = (*models.Tolerance)(req.FailureTolerance)
	}
	if tolerance == nil {
		return nil
	}
	full := tolerance.InFull()
	return &full
}
