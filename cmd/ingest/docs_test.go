package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var (
	docCommand = regexp.MustCompile("(?m)(?:^|`|\\$\\(|&& |\\| )(?:    |\t)?(?:sudo |bin/|[A-Z_]+=[^ `]+ )*ingest((?: [^`|>&;\n]*)?)")
	docQuoted  = regexp.MustCompile(`'[^']*'|"[^"]*"|\$\([^)]*\)`)
	docComment = regexp.MustCompile(`(^| )#.*`)
)

// TestCommandsOfTheDocs: what the documents tell to type is a command that there is, with flags that it has.
func TestCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	root := newRoot(&app{stdin: strings.NewReader(""), stdout: io.Discard})
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range docCommand.FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(docComment.ReplaceAllString(docQuoted.ReplaceAllString(m[1], "x"), ""))
			if len(words) == 0 || slices.Contains([]string{"script", "…", "COMMAND"}, words[0]) { // test scripts; any command
				continue
			}
			found++
			cmd, args, err := root.Find(words)
			if err != nil || cmd == root && !strings.HasPrefix(words[0], "-") {
				t.Errorf("%s: there is no ingest%s", file, m[1])
				continue
			}
			for _, arg := range args {
				name, _, _ := strings.Cut(arg, "=")
				name = strings.TrimRight(name, "…,.)]")
				long, isLong := strings.CutPrefix(name, "--")
				short, isShort := strings.CutPrefix(name, "-")
				has := func(flags *pflag.FlagSet) bool {
					return isLong && flags.Lookup(long) != nil || !isLong && len(short) == 1 && flags.ShorthandLookup(short) != nil
				}
				if isShort && short != "" && long != "" && !has(cmd.Flags()) && !has(cmd.InheritedFlags()) {
					t.Errorf("%s: ingest%s: no flag %s", file, m[1], name)
				}
			}
		}
	}
	if found < 200 {
		t.Errorf("found %d commands", found)
	}
}
