package main

import (
	"cmp"
	"context"
	"os"
	"os/user"

	"github.com/google/uuid"

	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
)

// operated gives the context of a command that somebody runs on the database itself: what it
// writes is written down under their name, for the organisation that it is about.
func operated(ctx context.Context, organisation uuid.UUID, command string) (context.Context, *audit.Note) {
	host, _ := os.Hostname() // it is only said where it is known
	name := os.Getenv("USER")
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	name = cmp.Or(name, "unknown")
	principal := access.Principal{
		Kind: access.KindOperator, ID: name, Name: name + "@" + cmp.Or(host, "unknown-host"),
		Organisation: organisation, Role: access.Owner,
	}
	note := &audit.Note{Principal: principal, Operation: command, UserAgent: "mino/" + version}
	return audit.With(access.With(ctx, principal), note), note
}
