package launch

import (
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
)

// Bounds and default of how long a try may take.
const (
	MinTryTimeout     = time.Second
	MaxTryTimeout     = 5 * time.Minute
	DefaultTryTimeout = 2 * time.Minute
)

// oneAttempt is the policy of a try: whoever waits for it would rather hear of the failure.
var oneAttempt = retry.Policy{MaxAttempts: 1, InitialIntervalMS: 1_000, BackoffCoefficient: 1, MaxIntervalMS: 1_000}

// NewTry makes a pending execution of one attempt at the one row of a batch that was made
// for it. Without a timeout it is the project's, at most DefaultTryTimeout.
func NewTry(id uuid.UUID, project *models.Project, batch *models.Batch, timeout time.Duration) *models.Execution {
	policy, one := oneAttempt, 1
	e := New(id, project, batch, Options{Type: models.ExecutionTry, Concurrency: &one, Retry: &policy})
	e.Tolerance = nil
	if timeout <= 0 {
		timeout = min(time.Duration(e.Snapshot.JobTimeoutMS)*time.Millisecond, DefaultTryTimeout)
	}
	e.Snapshot.JobTimeoutMS = timeout.Milliseconds()
	return e
}
