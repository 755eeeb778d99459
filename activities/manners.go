package activities

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"github.com/minohq/mino/models"
)

const (
	// politenessFor is how long the politeness of a project is taken as read: an edit holds
	// for every worker that much later.
	politenessFor = 2 * time.Second
	// maxWaitInPlace is the longest that a job waits for its turn at a host and holds its
	// slot meanwhile. One that has longer to wait is deferred.
	maxWaitInPlace = 2 * time.Second
	// leaseMargin is how long a host stays taken beyond the activity's own deadline.
	leaseMargin = 10 * time.Second
	// releaseFor bounds giving a host back.
	releaseFor = 5 * time.Second
	// maxKept bounds what is remembered of executions and hosts.
	maxKept = 10_000
)

// manners has jobs keep to what their projects say of politeness. What is counted lies in
// PostgreSQL, so that it holds over all workers; here is only what spares it questions.
type manners struct {
	hosts  Hosts
	robots Robots

	mu sync.Mutex
	// known is the politeness by execution; delays is what robots.txt asks for, by host.
	known  map[uuid.UUID]knownPoliteness
	delays map[string]time.Duration
}

type knownPoliteness struct {
	policy *models.Politeness
	until  time.Time
}

func newManners(hosts Hosts, robots Robots) *manners {
	return &manners{hosts: hosts, robots: robots, known: map[uuid.UUID]knownPoliteness{}, delays: map[string]time.Duration{}}
}

// policy is the politeness of an execution's project as it is now, or was a moment ago.
func (m *manners) policy(ctx context.Context, org, execution uuid.UUID) (*models.Politeness, error) {
	m.mu.Lock()
	known, ok := m.known[execution]
	m.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.policy, nil
	}
	policy, err := m.hosts.PolitenessOf(ctx, org, execution)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxKept {
		clear(m.known)
	}
	m.known[execution] = knownPoliteness{policy, time.Now().Add(politenessFor)}
	return policy, nil
}

// enter waits for a job's turn at its site. leave gives the site back; it is never nil
// unless the job is deferred, which it is for the time given.
func (m *manners) enter(ctx context.Context, org, execution, job uuid.UUID, site string) (leave func(), deferred time.Duration, err error) {
	policy, err := m.policy(ctx, org, execution)
	if err != nil {
		return nil, 0, err
	}
	every := m.every(policy, site)
	if !policy.Limits() && every == 0 || site == "" {
		return func() {}, 0, nil
	}
	request := models.HostRequest{
		OrganisationID: org, Host: site, JobID: job, Token: models.NewID(),
		Most: policy.MaxConcurrentPerHost, Every: every,
		Lease: max(time.Until(activity.GetInfo(ctx).Deadline), 0) + leaseMargin, Patience: maxWaitInPlace,
	}
	grant, err := m.hosts.AcquireHost(ctx, request)
	if err != nil {
		return nil, 0, err
	}
	if !grant.Granted {
		return nil, max(grant.Wait, time.Millisecond), nil
	}
	leave = func() {
		// Without it the lease runs out by itself.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseFor)
		defer cancel()
		_ = m.hosts.ReleaseHost(ctx, job, request.Token)
	}
	turn := time.NewTimer(grant.Wait)
	defer turn.Stop()
	select {
	case <-turn.C:
		return leave, 0, nil
	case <-ctx.Done():
		leave()
		return nil, 0, ctx.Err()
	}
}

// every is the least time between two starts at a host.
func (m *manners) every(policy *models.Politeness, site string) time.Duration {
	if policy == nil {
		return 0
	}
	every := time.Duration(policy.MinDelayMS) * time.Millisecond
	if !policy.RespectRobotsTxt {
		return every
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(every, m.delays[site])
}

// mayFetch returns a failure when the robots.txt of a site disallows a URL and the project
// respects it.
func (m *manners) mayFetch(ctx context.Context, org, execution uuid.UUID, site, url string) error {
	policy, err := m.policy(ctx, org, execution)
	if err != nil {
		return err
	}
	if policy == nil || !policy.RespectRobotsTxt || m.robots == nil {
		return nil
	}
	delay, err := m.robots.Check(ctx, url)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.delays) >= maxKept {
		clear(m.delays)
	}
	m.delays[site] = min(delay, models.MaxMinDelayMS*time.Millisecond)
	return nil
}
