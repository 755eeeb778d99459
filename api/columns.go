package api

import (
	"fmt"
	"slices"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
)

// neededColumns are the input columns that a project's batches must have: those that it
// declares, and those that its settings refer to.
func (s *server) neededColumns(p *models.Project) []string {
	needs := slices.Clone(p.Inputs)
	if executor, ok := s.Executors[p.Executor]; ok {
		needs = append(needs, executor.Needs(specOf(p, p.SecretNames)).Columns...)
	}
	return needs
}

// checkColumns refuses to run a project, which may have been edited since, on a batch that
// lacks what it needs: every job would fail.
func (s *server) checkColumns(p *models.Project, b *models.Batch) error {
	missing := launch.MissingColumns(s.neededColumns(p), b.Columns)
	if len(missing) == 0 {
		return nil
	}
	errs := make([]wire.FieldError, len(missing))
	for i, name := range missing {
		errs[i] = wire.FieldError{
			Field: "column " + name, Code: ingest.CodeMissingColumn, Message: "the project needs it, and it is no input column of the batch",
		}
	}
	return invalid(fmt.Sprintf("the batch %q lacks columns that the project needs", b.Name), errs...)
}
