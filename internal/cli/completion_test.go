package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	complete := func(t *testing.T, words ...string) []string {
		t.Helper()
		said := commandLineOf(t, Streams{}, append([]string{"__complete", "--"}, words...)...).ok()
		return strings.Fields(said.out)
	}
	for name, test := range map[string]struct {
		words []string
		want  []string
	}{
		"Commands":                   {[]string{"pro"}, []string{"projects"}},
		"NoHiddenCommands":           {[]string{"__"}, nil},
		"CommandsOfACommand":         {[]string{"projects", ""}, []string{"list", "show", "create", "delete", "set-secret", "drop-secret"}},
		"NothingAfterAWrongOne":      {[]string{"projets", ""}, nil},
		"NothingAfterAWrongFlag":     {[]string{"projects", "list", "--odd", "--"}, nil},
		"Flags":                      {[]string{"projects", "delete", "--ca"}, []string{"--cascade"}},
		"FlagsAfterValues":           {[]string{"projects", "delete", "--api", "list", "x", "-y", "--ye"}, []string{"--yes"}},
		"ContraryFlags":              {[]string{"jobs", "list", "--no-"}, []string{"--no-ground-truth"}},
		"ContraryFlagsOfTheUsualWay": {[]string{"run", "--no-"}, []string{"--no-wait"}},
		"ValuesOfAFlag":              {[]string{"executions", "stop", "--mode", ""}, []string{"drain", "cancel"}},
		"ValuesBehindAnEqualsSign":   {[]string{"executions", "stop", "--mode=d"}, []string{"--mode=drain"}},
		"ValuesAsBashSplitsThem":     {[]string{"executions", "stop", "--mode", "=", "d"}, []string{"drain"}},
		"AllValuesAsBashSplitsThem":  {[]string{"executions", "stop", "--mode", "="}, []string{"drain", "cancel"}},
		"TheLastOfSeveralValues":     {[]string{"jobs", "list", "--status", "failed,c"}, []string{"failed,completed", "failed,cancelled"}},
		"NothingForFreeValues":       {[]string{"jobs", "list", "--host", ""}, nil},
		"ValuesOfAnArgument":         {[]string{"completion", "b"}, []string{"bash"}},
		"FlagsOfTry":                 {[]string{"try", "x", "--s"}, []string{"--screenshot"}},
		"NoSecretsAsArguments":       {[]string{"projects", "set-secret", "x", "--"}, []string{"--help", "--json", "--api", "--api-key", "--organisation", "--from-env"}},
		"Files":                      {[]string{"batches", "upload", "a"}, []string{filesWanted}},
		"FilesAfterArguments":        {[]string{"truth", "set", "id", ""}, []string{filesWanted}},
		"NoFlagsAfterTwoDashes":      {[]string{"completion", "--", "--"}, nil},
		"Nothing":                    {nil, []string{"run", "try", "watch", "projects", "batches", "executions", "jobs", "truth", "export", "keys", "members", "audit", "whoami", "completion"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ElementsMatch(t, test.want, complete(t, test.words...))
		})
	}

	t.Run("SaysWhatIsMeant", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "truth\tSet the right values of rows.\n",
			commandLineOf(t, Streams{}, "__complete", "--describe", "--", "tru").ok().out)
	})

	t.Run("OfShellsThatAreKnown", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, commandLineOf(t, Streams{}, "completion", "zsh").ok().out, "compdef _mino mino")
		require.Contains(t, commandLineOf(t, Streams{}, "completion", "fish").ok().out, "complete -c mino")
		commandLineOf(t, Streams{}, "completion", "csh").misused("bash")
	})
}

// TestCompletionInBash loads the script into a real bash. Its mino is a script that asks
// this package.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	require.NoError(t, err, "what builds and tests MINO needs bash too")
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	mino := filepath.Join(dir, "mino")
	require.NoError(t, os.WriteFile(mino, []byte("#!"+bash+"\n"+childCommands+"=1 exec '"+self+"' \"$@\"\n"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pages one.csv"), nil, 0o600))

	for line, want := range map[string]string{
		"projects de":               "delete\n",
		"executions stop --mode = ": "drain\ncancel\n",
		"batches upload pag":        "pages one.csv\n",
		"nonsense ":                 "",
	} {
		words := strings.Split(line, " ")
		script := `set -eu; source <(mino completion bash)
			COMP_WORDS=(mino "$@") COMP_CWORD=$# COMPREPLY=()
			eval "$(complete -p mino | sed 's/.*-F \([^ ]*\).*/\1/')" || true # no completion is under way
			for answer in "${COMPREPLY[@]}"; do printf '%s\n' "$answer"; done`
		cmd := exec.CommandContext(t.Context(), bash, append([]string{"-c", script, "bash"}, words...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, want, string(out), line)
	}
}
