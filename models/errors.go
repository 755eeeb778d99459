package models

import (
	"errors"
	"fmt"
)

// The sentinel errors of the records. The store wraps them with what was sought
// or refused; callers ask with errors.Is.
var (
	ErrNotFound          = errors.New("not found")
	ErrProjectNotFound   = fmt.Errorf("project %w", ErrNotFound)
	ErrBatchNotFound     = fmt.Errorf("batch %w", ErrNotFound)
	ErrJobNotFound       = fmt.Errorf("job %w", ErrNotFound)
	ErrExecutionNotFound = fmt.Errorf("execution %w", ErrNotFound)

	ErrOrganisationNotFound = fmt.Errorf("organisation %w", ErrNotFound)
	ErrUserNotFound         = fmt.Errorf("user %w", ErrNotFound)
	ErrMemberNotFound       = fmt.Errorf("member %w", ErrNotFound)
	ErrAPIKeyNotFound       = fmt.Errorf("API key %w", ErrNotFound)

	// ErrConflict: a constraint or the present state refuses the write.
	ErrConflict = errors.New("conflict")
	// ErrNameTaken: another project of the organisation has the name.
	ErrNameTaken = fmt.Errorf("%w: the name is taken", ErrConflict)
	// ErrSlugTaken: another organisation has the slug.
	ErrSlugTaken = fmt.Errorf("%w: the slug is taken", ErrConflict)
	// ErrExternalIDTaken: another organisation has the external id.
	ErrExternalIDTaken = fmt.Errorf("%w: the external id is taken", ErrConflict)
	// ErrBatchBusy: the batch has an execution that has not ended.
	ErrBatchBusy = fmt.Errorf("%w: the batch has an execution that has not ended", ErrConflict)
	// ErrJobBusy: an execution that has not ended has the job.
	ErrJobBusy = fmt.Errorf("%w: an execution that has not ended has the job", ErrConflict)
	// ErrInUse: the record has others that belong to it.
	ErrInUse = fmt.Errorf("%w: other records belong to it", ErrConflict)
	// ErrExists: the id is taken, by an earlier run of the same write.
	ErrExists = fmt.Errorf("%w: the record exists", ErrConflict)
	// ErrClaimed: another workflow runs the execution.
	ErrClaimed = fmt.Errorf("%w: another workflow runs the execution", ErrConflict)
	// ErrKeyUsed: a record was made under the key before.
	ErrKeyUsed = fmt.Errorf("%w: the key was used", ErrConflict)
	// ErrMember: the user is a member already.
	ErrMember = fmt.Errorf("%w: the user is a member already", ErrConflict)
	// ErrLastOwner: an organisation that has members keeps an owner.
	ErrLastOwner = fmt.Errorf("%w: an organisation keeps an owner", ErrConflict)
	// ErrKeyEnded: the API key was revoked or has expired.
	ErrKeyEnded = fmt.Errorf("%w: the API key has ended", ErrConflict)
	// ErrQuota: a limit of the organisation refuses the write; see QuotaError.
	ErrQuota = errors.New("a limit of the organisation refuses it")
	// ErrVersionMismatch: the record was edited since it was read.
	ErrVersionMismatch = errors.New("the record was edited meanwhile")
	// ErrNoJobs: the selection of an execution is empty.
	ErrNoJobs = errors.New("there are no jobs to run")

	// ErrStaleAttempt: a newer attempt, or the end of the execution, has taken the
	// job over; what the caller holds must be dropped.
	ErrStaleAttempt = errors.New("the attempt is stale")
	// ErrHeld: the execution is paused or stopping, so that the job may not begin; one
	// that has begun goes on.
	ErrHeld = errors.New("the execution is held")
	// ErrUnavailable: PostgreSQL or Temporal cannot be reached or is shutting down;
	// trying again later is right.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrUnserved: no worker does jobs of the kind.
	ErrUnserved = errors.New("no worker does such jobs")
	// ErrRunEnded: there is no open workflow run to control or to ask.
	ErrRunEnded = errors.New("the run is not open")
)
