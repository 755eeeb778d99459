package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeTag is the tag of what a flag or an argument may be: words with commas between
// them, or anyFile. Those with an enum need none.
const (
	completeTag = "complete"
	anyFile     = "@files"
)

// answer is one way to go on.
type answer struct {
	word, meaning string
}

// completions says how a command line may go on: words are those behind the program's
// name, and the last is the one under the cursor.
func completions(app *kong.Node, words []string) []answer {
	line := commandLine{node: app}
	words, glued := unglue(words)
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	for _, word := range words[:last] {
		if !line.take(word) {
			return nil
		}
	}
	answers := line.next(words[last])
	if glued == "" {
		return answers
	}
	for i := range answers {
		if answers[i].word != filesWanted {
			answers[i].word = glued + answers[i].word
		}
	}
	return answers
}

// unglue has --flag=value be two words, whether the shell says it in one or, as bash
// does, in three. When the last word was one, glued is what must stand before answers.
func unglue(words []string) (apart []string, glued string) {
	for i, word := range words {
		last := i == len(words)-1
		if word == "=" {
			// The flag stands before it already.
			if last {
				apart = append(apart, "")
			}
			continue
		}
		flag, value, ok := strings.Cut(word, "=")
		if !ok || !strings.HasPrefix(word, "--") {
			apart = append(apart, word)
			continue
		}
		apart = append(apart, flag, value)
		if last {
			glued = flag + "="
		}
	}
	return apart, glued
}

// commandLine is how far a command line has been read.
type commandLine struct {
	node *kong.Node
	// waiting is the flag whose value comes next.
	waiting *kong.Value
	// arguments counts those that stood before.
	arguments int
	// plain is that no flags come any more.
	plain bool
}

// take reads one more word; false is that no command line goes on so.
func (l *commandLine) take(word string) bool {
	switch {
	case l.waiting != nil:
		l.waiting = nil
	case word == "--" && !l.plain:
		l.plain = true
	case strings.HasPrefix(word, "-") && len(word) > 1 && !l.plain:
		flag := l.flag(word)
		if flag == nil {
			return false
		}
		if !flag.IsBool() && !flag.IsCounter() {
			l.waiting = flag.Value
		}
	case len(l.node.Children) > 0:
		i := slices.IndexFunc(l.node.Children, func(n *kong.Node) bool {
			return n.Name == word || slices.Contains(n.Aliases, word)
		})
		if i < 0 {
			return false
		}
		l.node, l.arguments = l.node.Children[i], 0
	default:
		l.arguments++
	}
	return true
}

// flag finds a flag of the command or those above it by how it is written.
func (l *commandLine) flag(word string) *kong.Flag {
	for _, flag := range l.flags() {
		if word == "--"+flag.Name || word == negated(flag) || (flag.Short != 0 && word == "-"+string(flag.Short)) {
			return flag
		}
	}
	return nil
}

func (l *commandLine) flags() (all []*kong.Flag) {
	for _, group := range l.node.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// negated is how the contrary of a flag is written; empty when it has none.
func negated(flag *kong.Flag) string {
	switch name := flag.Tag.Negatable; name {
	case "":
		return ""
	case "_": // kong's mark of the usual name
		return "--no-" + flag.Name
	default:
		return "--" + name
	}
}

// next gives what the word under the cursor may become.
func (l *commandLine) next(begun string) []answer {
	var all []answer
	switch {
	case l.waiting != nil:
		all = valuesOf(l.waiting, begun)
	case strings.HasPrefix(begun, "-") && !l.plain:
		all = l.flagNames()
	case len(l.node.Children) > 0:
		for _, child := range l.node.Children {
			if !child.Hidden {
				all = append(all, answer{child.Name, child.Help})
			}
		}
	case len(l.node.Positional) > 0:
		// The last argument may be one that is given several times.
		all = valuesOf(l.node.Positional[min(l.arguments, len(l.node.Positional)-1)], begun)
	}
	return slices.DeleteFunc(all, func(a answer) bool {
		return a.word != filesWanted && !strings.HasPrefix(a.word, begun)
	})
}

func (l *commandLine) flagNames() (all []answer) {
	for _, flag := range l.flags() {
		all = append(all, answer{"--" + flag.Name, flag.Help})
		if contrary := negated(flag); contrary != "" {
			all = append(all, answer{contrary, flag.Help})
		}
	}
	return all
}

// valuesOf gives the values of a flag or an argument as far as they are known. Of several
// with commas between them the last is completed.
func valuesOf(v *kong.Value, begun string) (all []answer) {
	known := v.Tag.Get(completeTag)
	if known == "" {
		known = v.Enum
	}
	switch known {
	case "":
		return nil
	case anyFile:
		return []answer{{word: filesWanted}}
	}
	before := ""
	if v.IsSlice() {
		before = begun[:strings.LastIndexByte(begun, ',')+1]
	}
	for word := range strings.SplitSeq(known, ",") {
		if !slices.Contains(strings.Split(before, ","), word) {
			all = append(all, answer{word: before + word})
		}
	}
	return all
}
