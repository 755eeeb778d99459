package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// CompletionCmd is `mino completion`.
type CompletionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help says beneath the flags.
func (*CompletionCmd) Help() string {
	return `The script asks mino itself how a command line may go on, so it is never out of date.

  bash   source <(mino completion bash)          in ~/.bashrc
  zsh    source <(mino completion zsh)           in ~/.zshrc, after compinit
  fish   mino completion fish | source           in ~/.config/fish/config.fish`
}

// Run prints the script.
func (c *CompletionCmd) Run(streams Streams) error {
	_, err := io.WriteString(streams.Out, completionScripts[c.Shell])
	return withCode(err)
}

// filesWanted is what the scripts understand as "names of files".
const filesWanted = ":files"

// completionScripts ask mino with the words up to the cursor, the last of which may be
// empty. Answers are one a line, with what they mean behind a tab where that is asked for.
var completionScripts = map[string]string{
	"bash": `_mino() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]/#\~/$HOME}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ ${COMPREPLY[0]-} == ` + filesWanted + ` ]]; then
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _mino mino
`,
	"zsh": `_mino() {
  local -a answers
  answers=("${(@f)$(${(Q)words[1]/#\~/$HOME} __complete --describe -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $answers[1] == ` + filesWanted + ` ]]; then
    _files
  elif [[ -n $answers[1] ]]; then
    answers=("${(@)answers//:/\\:}")
    answers=("${(@)answers/$'\t'/:}")
    _describe mino answers
  fi
}
compdef _mino mino
`,
	"fish": `function __mino_ask
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete --describe -- $words[2..] 2>/dev/null
end
function __mino_wants_files
  test "$(__mino_ask)" = "` + filesWanted + `"
end
complete -c mino -n 'not __mino_wants_files' -f -a '(__mino_ask)'
complete -c mino -n __mino_wants_files -F
`,
}

// CompleteCmd is what the scripts of CompletionCmd ask.
type CompleteCmd struct {
	Describe bool     `help:"Say behind a tab what each answer means."`
	Words    []string `arg:"" optional:"" help:"The words behind mino up to the cursor."`
}

// Run answers. A command line that is wrong has no answers.
func (c *CompleteCmd) Run(app *kong.Kong, streams Streams) error {
	answers := completions(app.Model.Node, c.Words)
	var b strings.Builder
	for _, a := range answers {
		b.WriteString(a.word)
		if c.Describe && a.meaning != "" {
			b.WriteString("\t" + a.meaning)
		}
		b.WriteByte('\n')
	}
	_, err := fmt.Fprint(streams.Out, b.String())
	return withCode(err)
}
