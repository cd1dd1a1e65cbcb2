package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/interrupt"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// app is what all commands share: the streams, the log and the signals.
type app struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  *term.Redirect
	args    []string // of the command line
	getenv  func(string) string
	shared  *session.Networks // made at its first use
	telling *session.Telling  // of a command that tells others of its outcome
	log     *slog.Logger
	level   *slog.LevelVar
	signals *interrupt.Signals

	json    bool
	verbose bool
	quiet   bool
}

func newApp(stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) *app {
	a := &app{stdin: stdin, stdout: stdout, stderr: term.NewRedirect(stderr), getenv: getenv, level: new(slog.LevelVar)}
	a.log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: a.level}))
	return a
}

// addGlobalFlags adds the flags that every command has.
func (a *app) addGlobalFlags(f *pflag.FlagSet) {
	f.BoolVar(&a.json, "json", false, "print the result as JSON")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "log each step")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "log warnings and errors only, show no progress")
	f.String("config", "", "configuration file (default ingest.yaml where there is one)")
	f.String("network", "", "network the logs belong to, or some of ingest.yaml's networks (HASOFFERS_NETWORK_ID)")
	f.String("source", "", "hasoffers:, s3://BUCKET/PREFIX or a folder; firehose: before these for events (INGEST_SOURCE; default hasoffers:)")
	f.String("files", "", "pattern of renamed or merged files in a bucket or folder, see docs/sources.md (INGEST_FILES)")
	f.String("store", "", "embedded:PATH or clickhouse://HOST:9000/DB[?cluster=NAME] (INGEST_STORE; default embedded:data/clickhouse)")
	f.String("api-url", "", "API endpoint (HASOFFERS_API_URL)")
	f.String("timezone", "", "zone of the datetimes in the logs (HASOFFERS_TIMEZONE; default UTC)")
	f.String("max-memory", "", "memory that ingest itself may use (INGEST_MAX_MEMORY; default 256MiB)")
}

// setLevel makes the log as loud as the flags say.
func (a *app) setLevel() {
	switch {
	case a.verbose:
		a.level.Set(slog.LevelDebug)
	case a.quiet:
		a.level.Set(slog.LevelWarn)
	}
}

// show writes a result to stdout: as JSON, or as text writes it for people.
func (a *app) show(result any, text func(io.Writer) error) error {
	if a.telling != nil {
		if err := text(&a.telling.Text); err != nil {
			return err
		}
	}
	if a.json {
		return term.JSON(a.stdout, result)
	}
	return text(a.stdout)
}

// agree asks a question, and returns an error unless the answer is yes. Without a terminal the
// error is a *usageError with refusal and hint.
func (a *app) agree(refusal, hint, question string) error {
	if _, seen := a.stderr.Terminal(); !seen || !term.IsTerminal(a.stdin) { //guard:forget-asks
		return &usageError{err: errors.New(refusal), hint: hint}
	}
	if _, err := io.WriteString(a.stderr, question); err != nil {
		return err // a question that nobody saw has no answer
	}
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("not done")
	}
	return nil
}

// sayYes is the hint of agree where nothing but --yes helps.
const sayYes = "pass --yes to confirm"

// typesFlag is --type: a comma-separated list of log types; empty means all.
type typesFlag []rawlog.Type

func (t *typesFlag) String() string { return typeWords(*t) }

// typeWords is how --type names types.
func typeWords(types []rawlog.Type) string {
	var words []string
	for _, typ := range types {
		words = append(words, string(typ))
	}
	return strings.Join(words, ",")
}

func (t *typesFlag) Set(s string) error { return t.set(s, rawlog.ParseType) }

func (t *typesFlag) set(s string, parse func(string) (rawlog.Type, error)) error {
	*t = nil
	for word := range strings.SplitSeq(s, ",") {
		typ, err := parse(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*t = append(*t, typ)
	}
	return nil
}

func (*typesFlag) Type() string { return "types" }

func (t *typesFlag) list() []rawlog.Type {
	if len(*t) == 0 {
		return rawlog.Types()
	}
	return *t
}

func (t *typesFlag) addTo(f *pflag.FlagSet) {
	f.Var(t, "type", "log types: "+typeWords(rawlog.Types())+" (default all)")
}

// lookFlag is --type of commands that look at the ledger: it knows the types that are not
// raw logs, too, of which nothing is shown where nobody loads them.
type lookFlag struct{ typesFlag }

func (t *lookFlag) Set(s string) error { return t.set(s, rawlog.ParseAny) }

func (t *lookFlag) list() []rawlog.Type {
	if len(t.typesFlag) == 0 {
		return rawlog.All()
	}
	return t.typesFlag
}

func (t *lookFlag) addTo(f *pflag.FlagSet) {
	f.Var(t, "type", "types: "+typeWords(rawlog.All())+" (default all)")
}

// aboutPeriods returns what a command runs: it reads the periods among its arguments
// and does the work on them for each of the networks.
func aboutPeriods(each func(*cobra.Command, session.Job) error, work func(context.Context, *session.Session, []rawlog.Period) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		periods, err := parsePeriods(args)
		if err != nil {
			return err
		}
		return each(cmd, func(ctx context.Context, s *session.Session) error { return work(ctx, s, periods) })
	}
}

// parsePeriods reads the period arguments of a command; none is nil.
func parsePeriods(args []string) ([]rawlog.Period, error) {
	var periods []rawlog.Period
	for _, arg := range args {
		p, err := rawlog.ParsePeriod(arg)
		if err != nil {
			return nil, &usageError{err: err}
		}
		periods = append(periods, p)
	}
	return periods, nil
}
