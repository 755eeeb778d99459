package activities

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/workflows/contract"
)

// maxBatchName bounds the name of a batch, in characters.
const maxBatchName = 200

// Prepare makes an execution of a batch, or of inline items, which become a batch
// first. The ids follow from the run of the workflow that asks: when the process dies
// after a write, the next try finds it done.
func (a *Activities) Prepare(ctx context.Context, in contract.PrepareInput) (contract.PrepareResult, error) {
	defer a.alive(ctx)()
	options, err := launchOptions(in.Options)
	if err != nil {
		return contract.PrepareResult{}, err
	}
	info := activity.GetInfo(ctx)
	id := derivedID(info, "execution")
	// Before a batch is made: a workflow that has run before leaves none behind.
	switch earlier, err := a.preparations.ExecutionOfWorkflow(ctx, in.WorkflowID); {
	case errors.Is(err, models.ErrNotFound):
	case err != nil:
		return contract.PrepareResult{}, recordsError(err)
	case earlier.ID != id:
		return contract.PrepareResult{}, claimed("workflow %s has run execution %s; another one needs another workflow id", in.WorkflowID, earlier.ID)
	default:
		return contract.PrepareResult{ExecutionID: id.String()}, nil
	}
	project, batch, err := a.batchOf(ctx, in, info)
	if err != nil {
		return contract.PrepareResult{}, err
	}
	e := launch.New(id, project, batch, options)
	e.WorkflowID = in.WorkflowID
	switch err := a.preparations.CreateExecution(ctx, e); {
	case err == nil, errors.Is(err, models.ErrExists):
		return contract.PrepareResult{ExecutionID: e.ID.String()}, nil
	case errors.Is(err, models.ErrClaimed):
		return contract.PrepareResult{}, claimed("workflow %s runs another execution", in.WorkflowID)
	case errors.Is(err, models.ErrBatchBusy), errors.Is(err, models.ErrNoJobs):
		return contract.PrepareResult{}, invalidInput("batch_id: %v", err)
	case errors.Is(err, models.ErrQuota):
		if in.BatchID == "" {
			// The items of a batch that nobody else knows.
			if err := a.preparations.DeleteBatch(ctx, batch.OrganisationID, batch.ID, false, nil); err != nil && !errors.Is(err, models.ErrNotFound) {
				return contract.PrepareResult{}, recordsError(err)
			}
		}
		return contract.PrepareResult{}, temporal.NewNonRetryableApplicationError(err.Error(), contract.ErrorTypeQuota, err)
	default:
		return contract.PrepareResult{}, recordsError(err)
	}
}

// batchOf finds the batch that the input names, or makes one of its items.
func (a *Activities) batchOf(ctx context.Context, in contract.PrepareInput, info activity.Info) (*models.Project, *models.Batch, error) {
	if in.BatchID != "" {
		id, err := uuid.Parse(in.BatchID)
		if err != nil {
			return nil, nil, invalidInput("batch_id: is not a UUID")
		}
		batch, err := a.preparations.BatchByID(ctx, id)
		if err != nil {
			return nil, nil, missing("batch_id", err)
		}
		project, err := a.preparations.ProjectByID(ctx, batch.ProjectID)
		if err != nil {
			return nil, nil, missing("batch_id", err)
		}
		return project, batch, a.checkColumns(project, batch, "batch_id")
	}
	id, err := uuid.Parse(in.ProjectID)
	if err != nil {
		return nil, nil, invalidInput("project_id: is not a UUID")
	}
	project, err := a.preparations.ProjectByID(ctx, id)
	if err != nil {
		return nil, nil, missing("project_id", err)
	}
	batch, rows, err := inlineBatch(project, in, info)
	if err != nil {
		return nil, nil, err
	}
	if err := a.checkColumns(project, batch, "items"); err != nil {
		return nil, nil, err
	}
	if err := a.preparations.CreateBatch(ctx, batch, rows); err != nil && !errors.Is(err, models.ErrExists) {
		return nil, nil, recordsError(err)
	}
	return project, batch, nil
}

func missing(member string, err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return invalidInput("%s: %v", member, err)
	}
	return recordsError(err)
}

func invalidInput(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), contract.ErrorTypeInvalidInput, nil)
}

func claimed(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), contract.ErrorTypeClaimed, models.ErrClaimed)
}

// inlineBatch makes a batch of inline items. Everything that is wrong with them is
// refused before anything is written, naming the item.
func inlineBatch(project *models.Project, in contract.PrepareInput, info activity.Info) (*models.Batch, iter.Seq2[*models.Job, error], error) {
	fields := map[string]bool{}
	for _, f := range project.Fields {
		fields[f.Name] = true
	}
	inputs, truths := map[string]bool{}, map[string]bool{}
	jobs := make([]*models.Job, len(in.Items))
	for i, item := range in.Items {
		if err := checkItem(i, item, fields); err != nil {
			return nil, nil, err
		}
		site, err := ingest.SiteURL(item.SiteURL)
		if err != nil {
			return nil, nil, invalidInput("items[%d].site_url: %v", i, err)
		}
		job := &models.Job{
			ID: derivedID(info, fmt.Sprintf("item %d", i)), RowNumber: i + 1, SiteURL: site,
			Input: make(map[string]string, len(item.Input)), GroundTruth: cleanTruth(item.GroundTruth),
		}
		for name, value := range item.Input {
			job.Input[clean(name)] = clean(value)
			inputs[clean(name)] = true
		}
		for name := range item.GroundTruth {
			truths[name] = true
		}
		jobs[i] = job
	}
	if n := len(inputs) + len(truths) + 1; n > ingest.MaxColumns {
		return nil, nil, invalidInput("items: they have %d columns together; at most %d are taken", n, ingest.MaxColumns)
	}
	batch := &models.Batch{
		ID: derivedID(info, "batch"), OrganisationID: project.OrganisationID, ProjectID: project.ID,
		Name: batchName(in, info), Columns: columnsOf(inputs, truths), RowCount: len(jobs),
	}
	rows := func(yield func(*models.Job, error) bool) {
		for _, job := range jobs {
			if !yield(job, nil) {
				return
			}
		}
	}
	return batch, rows, nil
}

// checkItem refuses names that an upload could not have.
func checkItem(i int, item contract.Item, fields map[string]bool) error {
	for name := range item.Input {
		if n := utf8.RuneCountInString(name); n == 0 || n > ingest.MaxHeaderLength {
			return invalidInput("items[%d].input: a name has 1 to %d characters, not %d", i, ingest.MaxHeaderLength, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(item.GroundTruth)) {
		if !fields[name] {
			return invalidInput("items[%d].ground_truth.%s: the project has no such field", i, name)
		}
	}
	return nil
}

// cleanTruth makes accepted values what an upload would make of them: trimmed, without
// blanks, storable; nil when there are none.
func cleanTruth(truth map[string][]string) map[string][]string {
	var out map[string][]string
	for name, values := range truth {
		for _, value := range values {
			if value = strings.TrimSpace(clean(value)); value == "" {
				continue
			}
			if out == nil {
				out = map[string][]string{}
			}
			out[name] = append(out[name], value)
		}
	}
	return out
}

// columnsOf gives the columns that an upload of the same rows would have.
func columnsOf(inputs, truths map[string]bool) []models.Column {
	columns := []models.Column{{Name: "site_url", Role: models.RoleSiteURL}}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		columns = append(columns, models.Column{Name: name, Role: models.RoleInput})
	}
	for _, name := range slices.Sorted(maps.Keys(truths)) {
		columns = append(columns, models.Column{Name: "gt_" + name, Role: models.RoleGroundTruth, Field: name})
	}
	return columns
}

func batchName(in contract.PrepareInput, info activity.Info) string {
	name := ""
	if in.Options != nil {
		name = strings.TrimSpace(clean(in.Options.Name))
	}
	if name == "" {
		name = info.WorkflowExecution.ID
	}
	if runes := []rune(name); len(runes) > maxBatchName {
		name = string(runes[:maxBatchName])
	}
	return name
}

// launchOptions reads the options, naming the member that is wrong.
func launchOptions(in *contract.Options) (launch.Options, error) {
	out := launch.Options{Type: models.ExecutionProduction}
	if in == nil {
		return out, nil
	}
	if in.Type != "" {
		out.Type = models.ExecutionType(in.Type)
	}
	out.SampleSeed = in.SampleSeed
	if in.SampleSize != 0 {
		out.SampleSize = &in.SampleSize
	}
	if in.Concurrency != 0 {
		out.Concurrency = &in.Concurrency
	}
	if in.Preset != "" {
		preset := retry.Preset(in.Preset)
		out.Preset = &preset
	}
	if r := in.Retry; r != nil {
		out.Retry = &retry.Policy{
			MaxAttempts: r.MaxAttempts, InitialIntervalMS: r.InitialIntervalMS,
			BackoffCoefficient: r.BackoffCoefficient, MaxIntervalMS: r.MaxIntervalMS,
		}
	}
	if t := in.FailureTolerance; t != nil {
		out.Tolerance = &models.Tolerance{
			MaxFailed: t.MaxFailed, MaxFailedPercent: t.MaxFailedPercent, After: t.After, Action: t.Action,
		}
	}
	if err := out.Validate(); err != nil {
		return out, invalidInput("options: %v", err)
	}
	return out, nil
}

// derivedID makes a UUIDv7 that is the same however often the activity is tried: its
// time is that of the first try, its random part a hash of the run and a purpose.
func derivedID(info activity.Info, purpose string) uuid.UUID {
	sum := sha256.Sum256([]byte(info.WorkflowExecution.RunID + "/" + info.ActivityID + "/" + purpose))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(info.ScheduledTime.UnixMilli())<<16)
	copy(id[6:], sum[:10])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // RFC 9562
	return id
}

// checkColumns refuses a batch that lacks input columns which the project needs, before
// anything is written.
func (a *Activities) checkColumns(project *models.Project, batch *models.Batch, member string) error {
	needs := project.Inputs
	if executor, ok := a.executors[project.Executor]; ok {
		needs = slices.Concat(needs, executor.Needs(executors.Spec{
			Instruction: project.Instruction, Fields: project.Fields, Settings: project.Settings,
			Inputs: project.Inputs, Secrets: project.SecretNames,
		}).Columns)
	}
	if missing := launch.MissingColumns(needs, batch.Columns); len(missing) > 0 {
		return invalidInput("%s: the project needs input columns that are not there: %s", member, strings.Join(missing, ", "))
	}
	return nil
}
