package models

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/invopop/validation"
	"github.com/uptrace/bun"
)

// Secret is a secret of a project as it is kept: sealed.
type Secret struct {
	bun.BaseModel `bun:"table:project_secrets,alias:ps"`

	OrganisationID uuid.UUID `bun:"organisation_id"`
	ProjectID      uuid.UUID `bun:"project_id,pk"`
	Name           string    `bun:"name,pk"`
	// KeyID names the key that Sealed was made with.
	KeyID     string    `bun:"key_id"`
	Sealed    []byte    `bun:"sealed"`
	UpdatedAt time.Time `bun:"updated_at,nullzero,default:now()"`
}

var secretName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// ValidSecretName reports whether a secret can have this name: a letter, then letters,
// digits and underscores, at most 64.
func ValidSecretName(name string) bool { return secretName.MatchString(name) }

// SecretEdit changes the secrets of a project: some are put in the place of those of the
// same names, some are dropped.
type SecretEdit struct {
	Put  []Secret
	Drop []string
}

// Names are the names after the edit, of those before.
func (e SecretEdit) Names(before []string) []string {
	names := []string{} // never null
	for _, name := range before {
		if !slices.Contains(e.Drop, name) {
			names = append(names, name)
		}
	}
	for _, put := range e.Put {
		names = append(names, put.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RemoteRun is a run elsewhere, paid for, that an attempt has announced.
type RemoteRun struct {
	bun.BaseModel `bun:"table:remote_runs,alias:r"`

	// Reference is how the run can be found at the far side.
	Reference      string          `bun:"reference,pk"`
	OrganisationID uuid.UUID       `bun:"organisation_id"`
	ProjectID      uuid.UUID       `bun:"project_id"`
	ExecutionID    uuid.UUID       `bun:"execution_id"`
	JobID          uuid.UUID       `bun:"job_id"`
	SessionID      uuid.UUID       `bun:"session_id"`
	Executor       string          `bun:"executor"`
	Settings       json.RawMessage `bun:"settings,type:jsonb"`
	// RunID is empty until it is known.
	RunID       string    `bun:"run_id,nullzero"`
	AnnouncedAt time.Time `bun:"announced_at,nullzero,default:now()"`
	// Abandoned says that no attempt goes on with it, though its job may be alive.
	Abandoned bool       `bun:"abandoned"`
	EndedAt   *time.Time `bun:"ended_at"`
	Status    string     `bun:"status,nullzero"`
	CheckedAt *time.Time `bun:"checked_at"`
	Checks    int        `bun:"checks"`
	// Age is the time since it was announced, by PostgreSQL's clock.
	Age time.Duration `bun:"-"`
}

// SessionFile is a piece of evidence of a session.
type SessionFile struct {
	bun.BaseModel `bun:"table:session_files,alias:f"`

	SessionID      uuid.UUID `bun:"session_id,pk"`
	OrganisationID uuid.UUID `bun:"organisation_id"`
	Kind           string    `bun:"kind,pk"`
	ContentType    string    `bun:"content_type"`
	Data           []byte    `bun:"data"`
	CreatedAt      time.Time `bun:"created_at,nullzero,default:now()"`
}

// Politeness limits what the jobs of a project do to one site. What counts is shared by
// all projects of the organisation: their jobs at a host add up.
type Politeness struct {
	// MaxConcurrentPerHost is how many jobs use a host at a time; 0 is any number.
	MaxConcurrentPerHost int `json:"max_concurrent_per_host,omitempty"`
	// MinDelayMS is the least time between two starts of jobs at a host, in milliseconds.
	MinDelayMS int64 `json:"min_delay_ms,omitempty"`
	// RespectRobotsTxt has jobs fail at what a site's robots.txt disallows, and keep to the
	// delay that it asks for.
	RespectRobotsTxt bool `json:"respect_robots_txt,omitempty"`
}

// Bounds of politeness.
const (
	MaxConcurrentPerHost = 50
	MaxMinDelayMS        = 600_000
)

// Validate checks the bounds. Errors are validation.Errors by member.
func (p *Politeness) Validate() error {
	errs := validation.Errors{}
	if p.MaxConcurrentPerHost < 0 || p.MaxConcurrentPerHost > MaxConcurrentPerHost {
		errs["max_concurrent_per_host"] = fmt.Errorf("must be between 1 and %d, or 0 for no limit", MaxConcurrentPerHost)
	}
	if p.MinDelayMS < 0 || p.MinDelayMS > MaxMinDelayMS {
		errs["min_delay_ms"] = fmt.Errorf("must be between 0 and %d", MaxMinDelayMS)
	}
	return errs.Filter()
}

// Limits reports whether hosts have to be asked for.
func (p *Politeness) Limits() bool {
	return p != nil && (p.MaxConcurrentPerHost > 0 || p.MinDelayMS > 0)
}

// HostRequest asks for the use of a host.
type HostRequest struct {
	OrganisationID uuid.UUID
	Host           string
	JobID          uuid.UUID
	// Token tells this asker from a later attempt at the job.
	Token uuid.UUID
	// Most is how many may use the host at once; 0 is any number.
	Most int
	// Every is the least time between two starts.
	Every time.Duration
	// Lease is how long the host is held for a worker that gives nothing back.
	Lease time.Duration
	// Patience is the longest wait that a turn is kept for.
	Patience time.Duration
}

// HostGrant is the answer: granted, the turn comes after Wait; else Wait is how long not
// to ask again.
type HostGrant struct {
	Granted bool
	Wait    time.Duration
}
