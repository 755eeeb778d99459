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
