package cli

import (
	"context"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// AuditCmd is `mino audit`.
type AuditCmd struct {
	Listing

	Actor     string     `placeholder:"ID" help:"Of this key or person only, by id."`
	Operation string     `placeholder:"NAME" help:"Of this operation only, such as createKey or stop."`
	Target    string     `placeholder:"ID" help:"About this only: an execution, a project, a key."`
	Type      string     `placeholder:"TYPE" help:"About things of this type only, such as execution."`
	From      *time.Time `placeholder:"TIME" help:"Not before this time, such as 2026-03-01T00:00:00Z."`
	To        *time.Time `placeholder:"TIME" help:"Before this time."`
	Export    string     `placeholder:"FILE" complete:"@files" help:"Write all of it, oldest first and with what was before and after, to this file, readable by its owner: JSON lines when its name ends in .jsonl, else a CSV; - is a CSV on standard output."`
}

// Run lists or exports.
func (c *AuditCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if c.Export != "" {
			return c.export(ctx, streams, api)
		}
		return list(streams, c.Listing, api.Audit(ctx, c.filter()), []column[wire.AuditEntry]{
			{title: "time", cell: func(e wire.AuditEntry) string { return when(e.CreatedAt) }},
			{title: "who", most: nameWidth, cell: actor},
			{title: "operation", most: nameWidth, cell: func(e wire.AuditEntry) string { return e.Operation }},
			{title: "target", cell: func(e wire.AuditEntry) string { return strings.TrimSpace(e.TargetType + " " + e.TargetID) }},
			{title: "outcome", cell: func(e wire.AuditEntry) string { return e.Outcome }},
			{title: "from", most: nameWidth, cell: func(e wire.AuditEntry) string { return e.IP }},
		})
	})
}

// actor names who did something: by name, and else by id.
func actor(e wire.AuditEntry) string {
	name := e.ActorName
	if name == "" {
		name = e.ActorID
	}
	return strings.TrimSpace(e.ActorKind + " " + name)
}

func (c *AuditCmd) filter() url.Values {
	filter := url.Values{}
	for name, value := range map[string]string{
		"actor_id": c.Actor, "operation": c.Operation, "target_id": c.Target, "target_type": c.Type,
	} {
		if value != "" {
			filter.Set(name, value)
		}
	}
	for name, at := range map[string]*time.Time{"from": c.From, "to": c.To} {
		if at != nil {
			filter.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return filter
}

func (c *AuditCmd) export(ctx context.Context, streams Streams, api *client.Client) error {
	options := c.filter()
	options.Set("format", "csv")
	if strings.EqualFold(filepath.Ext(c.Export), ".jsonl") {
		options.Set("format", "jsonl")
	}
	write := func(to io.Writer) (int64, error) { return api.ExportAudit(ctx, options, to) }
	if c.Export == "-" {
		_, err := write(streams.Out)
		return asked(err, "export")
	}
	return (&ExportCmd{Output: c.Export}).toFile(streams, write)
}
