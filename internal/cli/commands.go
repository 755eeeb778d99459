package cli

// Commands are the client commands, for a main to embed. Their Run methods want a
// context and Streams from kong's bindings.
type Commands struct {
	Run        RunCmd        `cmd:"" help:"Upload a CSV, run it, watch it."`
	Try        TryCmd        `cmd:"" help:"Run a project on one site, and show what it finds."`
	Watch      WatchCmd      `cmd:"" help:"Watch an execution that was started before."`
	Projects   ProjectsCmd   `cmd:"" help:"List, show, create and delete projects."`
	Batches    BatchesCmd    `cmd:"" help:"List, show, upload, preview, rename and delete batches."`
	Executions ExecutionsCmd `cmd:"" help:"List, show, watch, start and control executions."`
	Jobs       JobsCmd       `cmd:"" help:"List, show, edit, delete jobs, and run them again."`
	Truth      TruthCmd      `cmd:"" help:"Set the right values of rows."`
	Export     ExportCmd     `cmd:"" help:"Write the jobs of a batch, or the attempts of an execution, to a file."`
	Keys       KeysCmd       `cmd:"" help:"List, create, rotate and revoke API keys."`
	Members    MembersCmd    `cmd:"" help:"List, add and remove members of the organisation, and set their roles."`
	Audit      AuditCmd      `cmd:"" help:"List or export who did what in the organisation."`
	Whoami     WhoamiCmd     `cmd:"" help:"Say whom the API takes you for, and what you may."`
	Completion CompletionCmd `cmd:"" help:"Print a script that completes mino's command line in a shell."`
	Complete   CompleteCmd   `cmd:"" name:"__complete" hidden:"" help:"Say how a command line may go on."`
}
