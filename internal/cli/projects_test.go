package cli

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestProjects(t *testing.T) {
	t.Parallel()

	t.Run("AreCreatedShownListedAndDeleted", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		require.Equal(t, "There are none\n", api.mino("projects", "list").ok().errs)

		made := api.mino("projects", "create", file(t, "shop.yaml", shopYAML)).ok()
		require.Contains(t, made.out, "fields       price (money)\n")
		require.Contains(t, made.out, `defaults     {"concurrency":5}`)
		shown := one[wire.Project](api.mino("projects", "show", "shop", "--json"))
		require.Equal(t, "Shop", shown.Name)
		require.Equal(t, shown, one[wire.Project](api.mino("projects", "show", shown.ID.String(), "--json")))
		require.Equal(t, made.out, api.mino("projects", "show", "Shop").ok().out)

		rows := api.mino("projects", "list").rows()
		require.Equal(t, []string{"id", "name", "executor", "fields", "updated"}, rows[0])
		require.Equal(t, []string{shown.ID.String(), "Shop", "fetch", "1"}, rows[1][:4])
		require.Equal(t, []wire.Project{shown}, many[wire.Project](api.mino("projects", "list", "--json")))

		require.Equal(t, map[string]uuid.UUID{"deleted": shown.ID},
			one[map[string]uuid.UUID](api.mino("projects", "delete", "Shop", "--yes", "--json")))
		api.mino("projects", "show", shown.ID.String()).fails(ExitRefused, "there is no project")
	})

	t.Run("SayWhatIsWrongWithThem", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		again := strings.Replace(shopYAML, "name: Shop", "name: "+p.Name, 1)
		api.mino("projects", "create", file(t, "again.yaml", again)).fails(ExitRefused, "could not create the project", "(CONFLICT)", "name")
		wrong := strings.Replace(shopYAML, "type: money", "type: gold", 1)
		api.mino("projects", "create", file(t, "wrong.yaml", wrong), "--json").fails(ExitRefused, "(VALIDATION_ERROR)", "fields[0].type: ")
		api.mino("projects", "create", "nowhere.yaml").fails(ExitOther, "nowhere.yaml")
		api.mino("projects", "create").misused("<file>")
		api.mino("projects", "show", "no such").fails(ExitRefused, `there is no project "no such"`, p.Name)
		api.mino("projects", "list", "--limit=-1").fails(ExitOther, "--limit")
	})

	t.Run("WithBatchesAreDeletedOnlyWhenThatIsSaid", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		api.batch(p)
		api.mino("projects", "delete", p.Name).fails(ExitOther, "pass --yes")
		api.mino("projects", "delete", p.Name, "--yes").fails(ExitRefused, "(CONFLICT)")
		done := api.mino("projects", "delete", p.ID.String(), "--yes", "--cascade").ok()
		require.Empty(t, done.out)
		require.Contains(t, done.errs, "Deleted the project")
		require.Empty(t, many[wire.Project](api.mino("projects", "list", "--json")))
	})
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	api := newRealAPI(t)
	answer := func(t *testing.T, p wire.Project, input string) spoken {
		t.Helper()
		return commandLineOf(t, Streams{In: strings.NewReader(input), Interactive: true},
			"projects", "delete", p.Name, "--api", api.url)
	}
	for name, input := range map[string]string{"No": "n\n", "Nothing": "\n", "TheEnd": ""} {
		t.Run(name+"DeletesNothing", func(t *testing.T) {
			t.Parallel()
			p := api.project()
			said := answer(t, p, input).fails(ExitOther, "nothing was deleted")
			require.Contains(t, said.errs, `Delete the project "`+p.Name+`" (`+p.ID.String()+")? [y/N] ")
			api.mino("projects", "show", p.Name).ok()
		})
	}
	t.Run("YesDeletes", func(t *testing.T) {
		t.Parallel()
		p := api.project()
		answer(t, p, "Yes\n").ok()
		api.mino("projects", "show", p.Name).fails(ExitRefused)
	})
	t.Run("CtrlCEndsTheQuestion", func(t *testing.T) {
		t.Parallel()
		p := api.project()
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { _ = writer.Close() })
		interrupts := make(chan os.Signal, 1)
		interrupts <- os.Interrupt
		commandLineOf(t, Streams{In: reader, Interactive: true, Interrupts: interrupts},
			"projects", "delete", p.Name, "--api", api.url).fails(ExitInterrupted)
		api.mino("projects", "show", p.Name).ok()
	})
}

func TestAnAPIThatIsNotThere(t *testing.T) {
	t.Parallel()
	id := uuid.NewString()
	for _, line := range []string{
		"projects list", "batches list", "batches show " + id, "executions list", "executions show " + id,
		"executions start " + id, "executions pause " + id, "jobs list --batch " + id, "jobs show " + id,
		"jobs rerun " + id, "jobs delete --yes " + id, "jobs edit --site-url x " + id,
	} {
		args := append(strings.Fields(line), "--api", "http://127.0.0.1:1")
		commandLineOf(t, Streams{In: strings.NewReader("")}, args...).fails(ExitUnreachable, "cannot be reached")
	}
	commandLineOf(t, Streams{}, "projects", "list", "--api", "nonsense").fails(ExitOther, "must look like")
}
