package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// extra makes a command that only a build with the tag man has; nil in others.
var extra func(root *cobra.Command) *cobra.Command

// newRoot builds the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "ingest",
		Short: "load HasOffers raw logs into ClickHouse, each file exactly once",
		Example: `  ingest check                        test the settings, the source and the store
  ingest backfill 201609              load a month
  ingest run                          load what is new; for cron
  ingest sql 'SELECT count() FROM clicks'`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{err: fmt.Errorf("unknown command %q", args[0]), hint: "commands: " + strings.Join(commandNames(cmd), ", ")}
			}
			return cmd.Help()
		},
		Args:              cobra.ArbitraryArgs,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	a.addGlobalFlags(root.PersistentFlags())
	root.AddCommand(
		newInit(a), newRun(a), newBackfill(a), newReload(a), newConversions(a), newFirehose(a),
		newStatus(a), newRuns(a), newMetrics(a), newIssues(a), newIgnore(a), newVerify(a), newCheck(a),
		newForget(a),
		newDims(a), newUpdates(a), newAPI(a),
		newStats(a), newReconcile(a),
		newSchema(a), newSQL(a), newTrace(a), newFX(a), newServe(a), newWeb(a), newUnit(a),
		newVersion(a), newCompletion(a),
	)
	if extra != nil {
		root.AddCommand(extra(root))
	}
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true, RunE: func(cmd *cobra.Command, args []string) error {
		return cmd.Root().Help()
	}})
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err: err, hint: "flags of " + cmd.CommandPath() + ": " + strings.Join(flagNames(cmd), ", ")}
	})
	return root
}

// wantCommand is what a command runs that does nothing itself: it names its commands.
func wantCommand(cmd *cobra.Command, args []string) error {
	err := fmt.Errorf("%s: a command is missing", cmd.CommandPath())
	if len(args) > 0 {
		err = fmt.Errorf("%s: unknown command %q", cmd.CommandPath(), args[0])
	}
	return &usageError{err: err, hint: "commands: " + strings.Join(commandNames(cmd), ", ")}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return names
}

// noArgs, someArgs and oneOrNoArgs are cobra's argument checks with exit status 2.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{err: fmt.Errorf("%s takes no argument, not %q", cmd.CommandPath(), args[0])}
	}
	return nil
}

func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &usageError{err: fmt.Errorf("%s: want %s", cmd.CommandPath(), what), hint: strings.TrimRight(cmd.Example, "\n")}
		}
		return nil
	}
}

// exits is the paragraph of a help text that lists exit statuses.
func exits(statuses ...int) string {
	var b strings.Builder
	b.WriteString("Exit status:\n")
	for _, s := range statuses {
		fmt.Fprintf(&b, "  %-3d %s\n", s, map[int]string{
			exitDone:        "done",
			exitFailed:      "failed; stderr says why",
			exitUsage:       "the command line, a variable or ingest.yaml is wrong",
			exitIncomplete:  "finished, but not completely: stderr says why; `ingest issues` lists files",
			exitDiffers:     "the store and the network differ by more than the tolerance",
			exitHeld:        "another run holds the lease of this network",
			exitInterrupted: "interrupted; the next run goes on from there",
		}[s])
	}
	return strings.TrimRight(b.String(), "\n")
}

// The templates put examples first: most readers look for one line to copy.
const helpTemplate = `{{.Short}}
{{if .HasExample}}
Examples:
{{.Example}}
{{end}}
{{.UsageString}}{{with .Long}}
{{. | trimTrailingWhitespaces}}
{{end}}`

const usageTemplate = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}} COMMAND

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}
{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Everywhere:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`
