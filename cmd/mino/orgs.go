package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.uber.org/zap"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// orgsCmd is for whoever has the database: it needs no key, and makes the first.
type orgsCmd struct {
	List     orgsListCmd     `cmd:"" help:"List organisations with their limits."`
	Create   orgsCreateCmd   `cmd:"" help:"Create an organisation."`
	Rename   orgsRenameCmd   `cmd:"" help:"Give an organisation another name, slug or external id."`
	Limits   orgsLimitsCmd   `cmd:"" help:"Change what an organisation may use; what is not named stays."`
	AddOwner orgsAddOwnerCmd `cmd:"" help:"Make somebody an owner, by the subject of their tokens or by their address."`
	Key      orgsKeyCmd      `cmd:"" help:"Make an API key, such as the first of an owner, and print it once."`
}

// onDatabase is what all of them have.
type onDatabase struct {
	Database config.Database `embed:""`
}

// with opens the records for do, and has standard output for it.
func (d *onDatabase) with(do func(ctx context.Context, records *store.Store, out io.Writer) error, parts ...config.Part) error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	if err := config.Verify(append([]config.Part{&d.Database}, parts...)...); err != nil {
		return err
	}
	db, err := openMigrated(ctx, d.Database, zap.NewNop())
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, store.New(db), os.Stdout), db.Close())
}

// find finds an organisation by its id or its slug.
func find(ctx context.Context, records *store.Store, ref string) (*models.Organisation, error) {
	o, err := records.OrganisationBySlug(ctx, ref)
	if errors.Is(err, models.ErrOrganisationNotFound) {
		return nil, fmt.Errorf("there is no organisation %q: mino orgs list shows all", ref)
	}
	return o, err
}

type orgsListCmd struct {
	onDatabase

	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run lists.
func (c *orgsListCmd) Run() error { return c.with(c.run) }

func (c *orgsListCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	all, err := records.Organisations(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(out)
		for i := range all {
			err = errors.Join(err, encoder.Encode(shownOf(&all[i])))
		}
		return err
	}
	return showAll(out, all)
}

type orgsCreateCmd struct {
	onDatabase

	Slug       string  `arg:"" help:"What it is called on command lines: small letters, digits and dashes."`
	Name       string  `placeholder:"NAME" help:"What people call it; the slug unless given."`
	ExternalID *string `placeholder:"ID" help:"What the issuer of tokens calls it, such as org_2x."`
	limits
}

// Run creates.
func (c *orgsCreateCmd) Run() error { return c.with(c.run) }

func (c *orgsCreateCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	o := &models.Organisation{ID: models.NewID(), Slug: c.Slug, Name: c.Name, ExternalID: c.ExternalID}
	if o.Name == "" {
		o.Name = o.Slug
	}
	// It gets the task queues that it is given: others may be another organisation's.
	o.TaskQueues = []string{}
	c.apply(&o.Limits)
	if err := check(o); err != nil {
		return err
	}
	ctx, note := operated(ctx, o.ID, "mino orgs create")
	note.About("organisation", o.ID.String()).Changes(nil, shownOf(o))
	if err := records.CreateOrganisation(ctx, o); err != nil {
		return taken(err, o)
	}
	return showAll(out, []models.Organisation{*o})
}

type orgsRenameCmd struct {
	onDatabase

	Organisation string  `arg:"" help:"Id or slug."`
	Slug         string  `placeholder:"SLUG" help:"What it is to be called on command lines."`
	Name         string  `placeholder:"NAME" help:"What people are to call it."`
	ExternalID   *string `placeholder:"ID" help:"What the issuer of tokens calls it; empty for nothing, so that no token means it."`
}

// Run renames.
func (c *orgsRenameCmd) Run() error { return c.with(c.run) }

func (c *orgsRenameCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	if c.Slug == "" && c.Name == "" && c.ExternalID == nil {
		return errors.New("give --slug, --name or --external-id")
	}
	return edit(ctx, records, out, c.Organisation, "mino orgs rename", func(o *models.Organisation) {
		if c.Slug != "" {
			o.Slug = c.Slug
		}
		if c.Name != "" {
			o.Name = c.Name
		}
		if c.ExternalID != nil {
			o.ExternalID = c.ExternalID
			if *c.ExternalID == "" {
				o.ExternalID = nil
			}
		}
	})
}

type orgsLimitsCmd struct {
	onDatabase

	Organisation string `arg:"" help:"Id or slug."`
	limits
}

// Run changes them, or shows them.
func (c *orgsLimitsCmd) Run() error { return c.with(c.run) }

func (c *orgsLimitsCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	if c.none() {
		o, err := find(ctx, records, c.Organisation)
		if err != nil {
			return err
		}
		return showAll(out, []models.Organisation{*o})
	}
	return edit(ctx, records, out, c.Organisation, "mino orgs limits", func(o *models.Organisation) { c.apply(&o.Limits) })
}

// edit changes an organisation and shows what it has become.
func edit(ctx context.Context, records *store.Store, out io.Writer, ref, command string, change func(*models.Organisation)) error {
	o, err := find(ctx, records, ref)
	if err != nil {
		return err
	}
	before := shownOf(o)
	change(o)
	if err := check(o); err != nil {
		return err
	}
	ctx, note := operated(ctx, o.ID, command)
	note.About("organisation", o.ID.String()).Changes(before, shownOf(o))
	switch err := records.UpdateOrganisation(ctx, o); {
	case errors.Is(err, models.ErrVersionMismatch):
		return errors.New("somebody else has edited the organisation at the same moment; nothing was changed")
	case err != nil:
		return taken(err, o)
	}
	return showAll(out, []models.Organisation{*o})
}

var slug = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// The bounds of what an organisation is called.
const (
	maxName       = 200
	maxExternalID = 255
)

// check refuses what the database would, in the words of the command line.
func check(o *models.Organisation) error {
	var problems []error
	if !slug.MatchString(o.Slug) {
		problems = append(problems, fmt.Errorf("--slug: must be 1 to 63 small letters, digits and dashes, and begin with none of the last, is %q", o.Slug))
	}
	if strings.TrimSpace(o.Name) == "" || len(o.Name) > maxName {
		problems = append(problems, fmt.Errorf("--name: must be 1 to %d bytes that are not blank", maxName))
	}
	if o.ExternalID != nil && (*o.ExternalID == "" || len(*o.ExternalID) > maxExternalID) {
		problems = append(problems, fmt.Errorf("--external-id: must be 1 to %d bytes", maxExternalID))
	}
	return errors.Join(problems...)
}

// taken says whose a name is.
func taken(err error, o *models.Organisation) error {
	switch {
	case errors.Is(err, models.ErrSlugTaken):
		return fmt.Errorf("--slug: another organisation is called %q", o.Slug)
	case errors.Is(err, models.ErrExternalIDTaken):
		return fmt.Errorf("--external-id: another organisation has %q", *o.ExternalID)
	}
	return err
}
