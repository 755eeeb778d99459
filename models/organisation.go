package models

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
)

// Organisation is a tenant; it owns everything else.
type Organisation struct {
	bun.BaseModel `bun:"table:organisations,alias:o"`

	ID   uuid.UUID `bun:"id,pk"`
	Slug string    `bun:"slug"`
	Name string    `bun:"name"`
	// ExternalID is what the issuer of tokens calls it; nil is that no token means it.
	ExternalID *string `bun:"external_id"`
	Limits
	// Version counts edits from 1; it is the ETag.
	Version   int64     `bun:"version,nullzero,default:1"`
	CreatedAt time.Time `bun:"created_at,nullzero,default:now()"`
	UpdatedAt time.Time `bun:"updated_at,nullzero,default:now()"`
}

// Limits are what an operator allows an organisation; nil is no limit.
type Limits struct {
	// RequestsPerMinute is for each process of the API.
	RequestsPerMinute *int `bun:"requests_per_minute"`
	// MaxRunningExecutions counts those that have not ended.
	MaxRunningExecutions *int `bun:"max_running_executions"`
	// MaxConcurrentJobs is over the concurrency of executions that have not ended.
	MaxConcurrentJobs *int `bun:"max_concurrent_jobs"`
	// MaxJobsPerDay counts the jobs that executions were given on a day of UTC.
	MaxJobsPerDay *int64 `bun:"max_jobs_per_day"`
	// TaskQueues are those that projects of the activity executor may name; nil is any but
	// MINO's own.
	TaskQueues []string `bun:"task_queues,array"`
}

// User is a person as an issuer of tokens knows them.
type User struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID     uuid.UUID `bun:"id,pk"`
	Issuer string    `bun:"issuer"`
	// Subject is nil while somebody was invited by address and has not come yet.
	Subject    *string    `bun:"subject"`
	Email      *string    `bun:"email"`
	Name       string     `bun:"name"`
	CreatedAt  time.Time  `bun:"created_at,nullzero,default:now()"`
	LastSeenAt *time.Time `bun:"last_seen_at"`
}

// Membership is a user's role in an organisation.
type Membership struct {
	bun.BaseModel `bun:"table:memberships,alias:m"`

	OrganisationID uuid.UUID   `bun:"organisation_id,pk"`
	UserID         uuid.UUID   `bun:"user_id,pk"`
	Role           access.Role `bun:"role"`
	CreatedAt      time.Time   `bun:"created_at,nullzero,default:now()"`
	UpdatedAt      time.Time   `bun:"updated_at,nullzero,default:now()"`

	// User and Organisation are filled where a list needs them.
	User         *User         `bun:"rel:belongs-to,join:user_id=id"`
	Organisation *Organisation `bun:"rel:belongs-to,join:organisation_id=id"`
}

// APIKey is a key as it is kept: without its secret.
type APIKey struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	ID             uuid.UUID   `bun:"id,pk"`
	OrganisationID uuid.UUID   `bun:"organisation_id"`
	Name           string      `bun:"name"`
	Role           access.Role `bun:"role"`
	// Scopes are what is left of the role's permissions; nil is all of them.
	Scopes []access.Permission `bun:"scopes,array"`
	// Hash is keyed, with the key that HashKeyID names.
	Hash      []byte `bun:"hash"`
	HashKeyID string `bun:"hash_key_id"`
	// CreatedBy is the kind and the id of who made it, such as "user 0198…".
	CreatedBy string `bun:"created_by"`
	// Replaces is the key that this one was rotated from.
	Replaces   *uuid.UUID `bun:"replaces"`
	CreatedAt  time.Time  `bun:"created_at,nullzero,default:now()"`
	ExpiresAt  *time.Time `bun:"expires_at"`
	LastUsedAt *time.Time `bun:"last_used_at"`
	LastUsedIP *string    `bun:"last_used_ip"`
	RevokedAt  *time.Time `bun:"revoked_at"`
}

// StreamTicket opens one stream of events, once, for whoever has it.
type StreamTicket struct {
	bun.BaseModel `bun:"table:stream_tickets,alias:t"`

	// Hash is the SHA-256 of the ticket, which has 256 random bits.
	Hash           []byte           `bun:"hash,pk"`
	OrganisationID uuid.UUID        `bun:"organisation_id"`
	Principal      access.Principal `bun:"principal,type:jsonb"`
	ExpiresAt      time.Time        `bun:"expires_at"`
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	bun.BaseModel `bun:"table:audit_log,alias:a"`

	ID             uuid.UUID       `bun:"id,pk"`
	OrganisationID uuid.UUID       `bun:"organisation_id"`
	CreatedAt      time.Time       `bun:"created_at,nullzero,default:now()"`
	ActorKind      access.Kind     `bun:"actor_kind"`
	ActorID        string          `bun:"actor_id"`
	ActorName      string          `bun:"actor_name"`
	Operation      string          `bun:"operation"`
	TargetType     string          `bun:"target_type"`
	TargetID       string          `bun:"target_id"`
	Outcome        audit.Outcome   `bun:"outcome"`
	Before         json.RawMessage `bun:"before,type:jsonb,nullzero"`
	After          json.RawMessage `bun:"after,type:jsonb,nullzero"`
	RequestID      string          `bun:"request_id"`
	IP             *string         `bun:"ip"`
	UserAgent      string          `bun:"user_agent"`
}

// AuditFilter narrows the audit log; zero members narrow nothing.
type AuditFilter struct {
	ActorID    string
	Operation  string
	TargetType string
	TargetID   string
	// From is the first time that is wanted, To the first that is not.
	From, To time.Time
}

// Usage is what an organisation uses of its limits.
type Usage struct {
	RunningExecutions int
	ConcurrentJobs    int
	// JobsToday is of the day of UTC that PostgreSQL's clock is in.
	JobsToday int64
}

// QuotaError says which limit of an organisation refuses a request. It is ErrQuota.
type QuotaError struct {
	// Limit is its name, such as "max_running_executions".
	Limit string
	// Most is the limit, Used what is used of it already, Wanted what was asked for more.
	Most, Used, Wanted int64
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("the organisation's %s is %d, of which %d are used and %d more were wanted", e.Limit, e.Most, e.Used, e.Wanted)
}

// Is makes it ErrQuota.
func (e *QuotaError) Is(target error) bool { return target == ErrQuota }

// Login is what a token that was found good says of a person.
type Login struct {
	Issuer, Subject string
	// Email is an address that the issuer has verified, or empty.
	Email, Name string
	// Organisation is the external id or the slug of the one that the token is for; empty
	// when it says nothing of any.
	Organisation string
	// Role is what the token says the person is there; empty when it says nothing of that.
	Role access.Role
	// Provision makes somebody known who was not.
	Provision bool
}
