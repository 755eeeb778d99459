// Command mino is the whole of MINO in one binary: the API, the worker, the
// migrations, a development stack, and the client commands.
//
// This package parses, wires, runs and stops; it is the only place that constructs
// concrete things. Everything is verified before anything is opened, and what was
// opened is closed last in, first out, within one deadline.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/minohq/mino/internal/cli"
)

// version is set by the linker.
var version = "dev"

// commands is the command line.
type commands struct {
	Dev     devCmd     `cmd:"" help:"Run everything on this machine: PostgreSQL, Temporal with its Web UI, migrations, API and worker."`
	Demo    demoCmd    `cmd:"" help:"Run everything and take an example shop through it."`
	API     apiCmd     `cmd:"" name:"api" help:"Serve the REST API."`
	Worker  workerCmd  `cmd:"" help:"Run workflows and jobs."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to the schema of this build, or look where it stands."`

	Secrets secretsCmd `cmd:"" help:"Keys of the secrets of projects."`
	Orgs    orgsCmd    `cmd:"" help:"Organisations, their limits and their first owners, on the database itself."`

	cli.Commands

	Health  healthCmd  `cmd:"" help:"Ask an API whether it is ready; exit 0 when it is."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	var line commands
	var at terminal
	defer at.release()
	parser, err := kong.New(&line,
		kong.Name("mino"),
		kong.Description("Run one instruction over thousands of sites, and know how often the answer is right."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true}),
		kong.BindSingletonProvider(at.streams),
		kong.BindSingletonProvider(at.context),
	)
	if err != nil {
		panic(err) // the tags above are wrong
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return exitCode(parsed.Run())
}

// terminal gives the client commands, and nobody else, the process's streams and a
// context. Ctrl-C is the commands' own: one asks what is meant, the others end.
type terminal struct {
	closers []func()
}

func (t *terminal) streams() (cli.Streams, error) {
	streams, release := cli.OSStreams()
	t.closers = append(t.closers, release)
	return streams, nil
}

func (t *terminal) context() (context.Context, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	t.closers = append(t.closers, stop)
	return ctx, nil
}

func (t *terminal) release() {
	for _, closer := range t.closers {
		closer()
	}
}

// exitCode reports an error to the person at the terminal and gives the code of the
// process.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "mino:", err)
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	_, err := fmt.Println("mino", version)
	return err
}
