package client

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// The time to answer a try beyond that of its attempt: it has to begin and to end, and to
// be stopped when it does neither.
const (
	defaultTry = 2 * time.Minute
	tryGrace   = time.Minute
)

// Try runs a project on one site and waits until it has ended. When the answer is lost the
// request is sent again, which finds the same run.
func (c *Client) Try(ctx context.Context, projectID uuid.UUID, req wire.TryRequest) (wire.Try, error) {
	call := creating("api/projects/"+projectID.String()+"/try", req)
	call.timeout = defaultTry + tryGrace
	if req.TimeoutMS != nil {
		call.timeout = time.Duration(*req.TimeoutMS)*time.Millisecond + tryGrace
	}
	var try wire.Try
	err := c.do(ctx, call, &try)
	return try, err
}

// Session reads an attempt at a job.
func (c *Client) Session(ctx context.Context, id uuid.UUID) (wire.Session, error) {
	var session wire.Session
	err := c.do(ctx, get("api/sessions/"+id.String(), nil), &session)
	return session, err
}

// Screenshot writes the picture that a session took of the page; one without any is an
// *Error of status 404. On an error, what was written until then is not a whole file.
func (c *Client) Screenshot(ctx context.Context, sessionID uuid.UUID, to io.Writer) (int64, error) {
	return c.export(ctx, "api/sessions/"+sessionID.String()+"/screenshot", nil, to)
}
