package wire

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Limits of what is asked of organisations, members and keys.
const (
	// MaxNameLength bounds the name of an organisation or of a key, in characters.
	MaxNameLength = 200
	// MaxSubjectLength and MaxEmailLength bound who is made a member, in characters.
	MaxSubjectLength = 255
	MaxEmailLength   = 255
	// DefaultGraceSeconds is how long a key that is rotated goes on without being told,
	// MaxGraceSeconds the longest: a week.
	DefaultGraceSeconds = 24 * 60 * 60
	MaxGraceSeconds     = 7 * 24 * 60 * 60
)

// Me is whose a request is, and what they may.
type Me struct {
	// Kind is "key", "user", or "anonymous" where nobody is asked.
	Kind string `json:"kind"`
	// ID is of the key or of the user.
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Organisation is the one that the request is in.
	Organisation OrganisationRef `json:"organisation"`
	Role         string          `json:"role"`
	// Permissions are what is left of the role's under the scopes of a key, in the order
	// of the alphabet.
	Permissions []string `json:"permissions"`
}

// OrganisationRef names an organisation.
type OrganisationRef struct {
	ID   uuid.UUID `json:"id"`
	Slug string    `json:"slug"`
	Name string    `json:"name"`
}

// OwnOrganisation is an organisation of the caller, with the role there.
type OwnOrganisation struct {
	OrganisationRef
	Role string `json:"role"`
}

// Organisation is the organisation of the request.
type Organisation struct {
	ID   uuid.UUID `json:"id"`
	Slug string    `json:"slug"`
	Name string    `json:"name"`
	// ExternalID is what the issuer of tokens calls it.
	ExternalID string `json:"external_id,omitempty"`
	Limits     Limits `json:"limits"`
	// Usage is absent where only the record is shown, such as in the audit log.
	Usage *Usage `json:"usage,omitempty"`
	// Version counts edits; it is the ETag.
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Limits are what the operator allows an organisation; what is absent has no limit of its
// own.
type Limits struct {
	RequestsPerMinute    *int   `json:"requests_per_minute,omitempty"`
	MaxRunningExecutions *int   `json:"max_running_executions,omitempty"`
	MaxConcurrentJobs    *int   `json:"max_concurrent_jobs,omitempty"`
	MaxJobsPerDay        *int64 `json:"max_jobs_per_day,omitempty"`
	// TaskQueues are those that projects of the activity executor may name.
	TaskQueues []string `json:"task_queues,omitzero"`
}

// Usage is what an organisation uses of its limits.
type Usage struct {
	RunningExecutions int `json:"running_executions"`
	ConcurrentJobs    int `json:"concurrent_jobs"`
	// JobsToday counts from midnight UTC.
	JobsToday int64 `json:"jobs_today"`
}

// OrganisationPatch edits the organisation of the request. Its limits are the operator's.
type OrganisationPatch struct {
	Name *string `json:"name,omitempty"`
}

// Member is a person with a role in the organisation.
type Member struct {
	// ID is the person's.
	ID     uuid.UUID `json:"id"`
	Issuer string    `json:"issuer"`
	// Subject is absent while somebody was invited by address and has not come yet.
	Subject    string     `json:"subject,omitempty"`
	Email      string     `json:"email,omitempty"`
	Name       string     `json:"name,omitempty"`
	Role       string     `json:"role"`
	LastSeenAt *time.Time `json:"last_seen_at,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// MemberRequest makes somebody a member: by the subject that the issuer of tokens knows
// them as, or by their address.
type MemberRequest struct {
	Subject string `json:"subject,omitempty"`
	Email   string `json:"email,omitempty"`
	Role    string `json:"role"`
}

// MemberPatch gives a member another role.
type MemberPatch struct {
	Role *string `json:"role,omitempty"`
}

// APIKey is a key, without its text.
type APIKey struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Role string    `json:"role"`
	// Scopes are what is left of the role's permissions; absent is all of them.
	Scopes []string `json:"scopes,omitzero"`
	// Status is "active", "expired" or "revoked".
	Status string `json:"status"`
	// CreatedBy is the kind and the id of who made it.
	CreatedBy string `json:"created_by"`
	// Replaces is the key that it was rotated from.
	Replaces   *uuid.UUID `json:"replaces,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	LastUsedIP string     `json:"last_used_ip,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// Statuses of an APIKey.
const (
	KeyActive  = "active"
	KeyExpired = "expired"
	KeyRevoked = "revoked"
)

// APIKeyRequest makes a key.
type APIKeyRequest struct {
	Name string `json:"name"`
	Role string `json:"role"`
	// Scopes leave these of the role's permissions; absent leaves all.
	Scopes *[]string `json:"scopes,omitempty"`
	// ExpiresAt ends the key; without it, it lasts until it is revoked.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// CreatedAPIKey is a key that was just made.
type CreatedAPIKey struct {
	APIKey
	// Key is its text, which no other answer has.
	Key string `json:"key"`
}

// RotateRequest puts a new key in the place of one.
type RotateRequest struct {
	// GraceSeconds is how long the old one goes on, 0–604,800; absent is a day.
	GraceSeconds *int `json:"grace_seconds,omitempty"`
	// ExpiresAt ends the new one; without it, it ends when the old one would have.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// AuditEntry is a line of the audit log.
type AuditEntry struct {
	ID        uuid.UUID `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	// ActorKind is "key", "user", "operator" or "anonymous".
	ActorKind string `json:"actor_kind"`
	ActorID   string `json:"actor_id,omitempty"`
	ActorName string `json:"actor_name,omitempty"`
	// Operation is its id in the API's document, or a command of mino.
	Operation  string `json:"operation"`
	TargetType string `json:"target_type,omitempty"`
	TargetID   string `json:"target_id,omitempty"`
	// Outcome is "done", or "requested" and then "done" or "failed" of what is asked of
	// Temporal.
	Outcome string `json:"outcome"`
	// Before and After are how the target was shown; absent where there was nothing.
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	IP        string          `json:"ip,omitempty"`
	UserAgent string          `json:"user_agent,omitempty"`
}

// Row is what the audit log has of a row that was edited or deleted with others.
type Row struct {
	ID          uuid.UUID           `json:"id"`
	BatchID     uuid.UUID           `json:"batch_id"`
	Row         int                 `json:"row"`
	SiteURL     string              `json:"site_url"`
	Input       map[string]string   `json:"input"`
	GroundTruth map[string][]string `json:"ground_truth,omitempty"`
	Version     int64               `json:"version"`
}

// Ticket opens one stream of events, once: for browsers, which can send no header then.
type Ticket struct {
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expires_at"`
}
