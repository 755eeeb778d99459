package models

import "github.com/google/uuid"

// JobEdit is an edit of a row by people; nil members stay as they are.
type JobEdit struct {
	ID      uuid.UUID
	SiteURL *string
	Input   *map[string]string
	// GroundTruth holds accepted values by field. It replaces what the row has or, with
	// Merge, replaces it for the fields that it names; a field without values has no
	// truth afterwards.
	GroundTruth *map[string][]string
	Merge       bool
	// Holds says whether the version that the edit finds is one that it may change; nil
	// is any.
	Holds func(version int64) bool
	// Wrote, if there is any, is told what the row was and is, when it was changed and
	// before that is committed.
	Wrote func(before, after *Job)
}

// EditedJob is what came of an edit: the row as it is now, or why it was not edited, which
// is ErrJobNotFound, ErrJobBusy or ErrVersionMismatch.
type EditedJob struct {
	Job *Job
	Err error
	// Changed says that anything is different, Rescored that its result was held against
	// the new truth.
	Changed  bool
	Rescored bool
}

// JobPlaces says, by the id of a job, which batch and which project it belongs to.
type JobPlaces struct {
	Batch   map[uuid.UUID]*Batch
	Project map[uuid.UUID]*Project
}
