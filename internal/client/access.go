package client

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// Me says whom the API takes the client for.
func (c *Client) Me(ctx context.Context) (wire.Me, error) {
	var me wire.Me
	err := c.do(ctx, get("api/me", nil), &me)
	return me, err
}

// Keys goes through the API keys of the organisation, newest first, those that have ended
// too.
func (c *Client) Keys(ctx context.Context) iter.Seq2[wire.APIKey, error] {
	return pages[wire.APIKey](ctx, c, "api/keys", nil)
}

// CreateKey makes an API key; its text is in this answer alone. It is sent once: a lost
// answer may leave a key behind that nobody has.
func (c *Client) CreateKey(ctx context.Context, req wire.APIKeyRequest) (wire.CreatedAPIKey, error) {
	var key wire.CreatedAPIKey
	err := c.do(ctx, call{method: http.MethodPost, path: "api/keys", body: req}, &key)
	return key, err
}

// RotateKey puts a new key in the place of one, as CreateKey does.
func (c *Client) RotateKey(ctx context.Context, id uuid.UUID, req wire.RotateRequest) (wire.CreatedAPIKey, error) {
	var key wire.CreatedAPIKey
	err := c.do(ctx, call{method: http.MethodPost, path: keyPath(id) + "/rotate", body: req}, &key)
	return key, err
}

// RevokeKey ends a key. Revoking one twice is nothing.
func (c *Client) RevokeKey(ctx context.Context, id uuid.UUID) (wire.APIKey, error) {
	var key wire.APIKey
	err := c.do(ctx, call{method: http.MethodPost, path: keyPath(id) + "/revoke", repeatable: true, keyed: true}, &key)
	return key, err
}

func keyPath(id uuid.UUID) string { return "api/keys/" + id.String() }

// Members goes through the members of the organisation, newest first.
func (c *Client) Members(ctx context.Context) iter.Seq2[wire.Member, error] {
	return pages[wire.Member](ctx, c, "api/members", nil)
}

// AddMember makes somebody a member. One who is one already is an *Error of status 409.
func (c *Client) AddMember(ctx context.Context, req wire.MemberRequest) (wire.Member, error) {
	var member wire.Member
	err := c.do(ctx, call{method: http.MethodPost, path: "api/members", body: req}, &member)
	return member, err
}

// SetRole gives a member another role.
func (c *Client) SetRole(ctx context.Context, id uuid.UUID, role string) (wire.Member, error) {
	var member wire.Member
	err := c.do(ctx, call{
		method: http.MethodPatch, path: memberPath(id), body: wire.MemberPatch{Role: &role}, repeatable: true,
	}, &member)
	return member, err
}

// RemoveMember ends a membership.
func (c *Client) RemoveMember(ctx context.Context, id uuid.UUID) error {
	return c.remove(ctx, memberPath(id), false)
}

func memberPath(id uuid.UUID) string { return "api/members/" + id.String() }

// Audit goes through the audit log, newest first. filter holds query parameters of the
// API's, such as operation, actor_id, from and to; nil means all.
func (c *Client) Audit(ctx context.Context, filter url.Values) iter.Seq2[wire.AuditEntry, error] {
	return pages[wire.AuditEntry](ctx, c, "api/audit", filter)
}

// ExportAudit writes the audit log, oldest first, as ExportJobs does jobs. options has the
// filters of Audit and format (csv, jsonl).
func (c *Client) ExportAudit(ctx context.Context, options url.Values, to io.Writer) (int64, error) {
	return c.export(ctx, "api/audit/export", options, to)
}
