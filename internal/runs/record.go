package runs

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Command is what was started.
type Command struct {
	Name      string   // run, backfill, schema apply …
	Arguments []string // of the command line, as given
	Worker    string   // share of the work, i/n; "" is all of it
	Release   string   // version and commit of ingest
	// Looks says that the command's own work changes nothing, so that a user who may not
	// write loses nothing.
	Looks bool
}

// Listing is what a run listed whole.
type Listing struct {
	Types []rawlog.Type
	Days  []rawlog.Period
	At    time.Time // by the store's clock; zero is no listing
}

// Result is what is known of a run at its end. Its zero value is that of work without
// anything to count.
type Result struct {
	Counts
	Listing   Listing
	Kept      map[rawlog.Type]int    // days for which the source keeps files; nil where it was not asked
	Differing map[rawlog.Type]uint64 // rows, see Run; nil where nothing was compared
}

// Recorder writes the row of one command's work on one network. Its zero value is not
// ready; a nil one records nothing. Result is the caller's to fill before End. It is for
// one goroutine, and renews the row in another between Begin and End.
type Recorder struct {
	Result Result

	command Command
	network string
	run     string
	secrets []string
	log     *slog.Logger
	start   time.Time
	every   time.Duration // between renewals

	mu      sync.Mutex // of what follows: a renewal, or the end
	st      *store.Store
	begun   bool
	version uint64
	stop    context.CancelFunc
	stopped chan struct{}
}

// New returns a recorder of a run on a network, "" for the store as a whole. Nothing is
// written yet. The secrets are hidden wherever they turn up.
func New(c Command, network, run string, secrets []string, log *slog.Logger) *Recorder {
	return &Recorder{command: c, network: network, run: run, secrets: secrets, log: log, start: time.Now(), every: lease.TTL / 4}
}

// Run is the run's name.
func (r *Recorder) Run() string { return r.run }

// Begun reports whether the run's first row is written.
func (r *Recorder) Begun() bool { return r != nil && r.begun }

// Begin writes the run's first row and renews it until End. It does nothing if that is
// done already or if the store has no table for it yet.
func (r *Recorder) Begin(ctx context.Context, st *store.Store) {
	if r == nil || r.begun {
		return
	}
	err := r.begin(ctx, st)
	switch {
	case err == nil || ctx.Err() != nil:
	case store.NoTable(err):
		r.log.Debug("the store has no ingest_runs yet", "err", err)
	case r.command.Looks && store.Denied(err):
		r.log.Debug("the run is not recorded", "err", err)
	default:
		r.log.Warn("the run could not be recorded; it goes on", "err", err) //guard:run-begins-anyway
	}
}

func (r *Recorder) begin(ctx context.Context, st *store.Store) error {
	r.st = st
	if err := r.write(ctx, nil); err != nil {
		return err
	}
	r.begun = true
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.stopped = make(chan struct{})
	go r.renew(ctx)
	return nil
}

// renew says until End that the run lives. Where the store is away the next try says it.
func (r *Recorder) renew(ctx context.Context) {
	defer close(r.stopped)
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.write(ctx, nil); err != nil && ctx.Err() == nil { //guard:run-renewed
			r.log.Debug("renewing the run's row", "err", err)
		}
	}
}

// AsksRetention reports whether the source is due to be asked how long it keeps files: it
// rarely changes, and costs a call.
func (r *Recorder) AsksRetention(ctx context.Context) bool {
	if !r.Begun() || r.Result.Kept != nil {
		return false
	}
	var due bool // after 20 hours, so that a nightly run always asks
	err := r.st.Conn().QueryRow(ctx, "SELECT max(begun) < now() - INTERVAL 20 HOUR FROM "+r.st.Holding("ingest_runs")+" WHERE network = ? AND notEmpty(kept_days)", r.network).Scan(&due)
	return err == nil && due
}

// End writes the run's last row, with its exit status and what went wrong. It also writes
// where Begin could not. An error is the caller's to log.
func (r *Recorder) End(ctx context.Context, st *store.Store, status int, failure error) error {
	if r.stop != nil {
		r.stop()
		<-r.stopped
	}
	r.st = st
	text := ""
	if failure != nil {
		text = hide(strings.ReplaceAll(failure.Error(), "\n", "; "), r.secrets)
	}
	return r.write(ctx, &ending{status, text})
}

type ending struct {
	status int
	error  string
}

// write adds a version of the run. One whose answer was lost does no harm: the next says
// more, or the same.
func (r *Recorder) write(ctx context.Context, end *ending) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version++
	names, values := r.columns(end)
	return r.st.Write(ctx, store.Op{Kind: "run", Detail: r.run}, func(ctx context.Context) error {
		return r.st.Conn().Exec(r.st.InsertContext(ctx), "INSERT INTO "+r.st.Holding("ingest_runs")+
			" ("+strings.Join(names, ", ")+") SELECT "+strings.Join(values, ", "))
	})
}

// columns are the names and the SQL of a version's values.
func (r *Recorder) columns(end *ending) (names, values []string) {
	add := func(name, value string) { names, values = append(names, name), append(values, value) }
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	for _, text := range [][2]string{
		{"network", r.network}, {"run", r.run}, {"command", r.command.Name}, {"arguments", commandLine(r.command.Arguments, r.secrets)},
		{"worker", r.command.Worker}, {"release", r.command.Release}, {"host", host}, {"process", lease.Process()},
	} {
		add(text[0], schema.Literal(text[1]))
	}
	// The embedded engine took a while to start before it could be told. Later versions say the same.
	add("begun", fmt.Sprintf("(SELECT if(count() > 0, min(begun), now64(3, 'UTC') - INTERVAL %d MILLISECOND) FROM %s WHERE network = %s AND run = %s)",
		time.Since(r.start).Milliseconds(), r.st.Holding("ingest_runs"), schema.Literal(r.network), schema.Literal(r.run)))
	add("version", strconv.FormatUint(r.version, 10))
	add("alive_until", fmt.Sprintf("now64(3) + INTERVAL %d SECOND", int(lease.TTL/time.Second)))
	if end == nil {
		return names, values
	}
	add("ended", "now64(3)")
	add("exit_status", strconv.Itoa(end.status))
	add("error", schema.Literal(end.error))
	c := r.Result.Counts
	for _, count := range []struct {
		name string
		n    uint64
	}{
		{"files_listed", c.Listed}, {"already_loaded", c.AlreadyLoaded}, {"loaded", c.Loaded}, {"failed", c.Failed}, {"left_open", c.Left},
		{"recovered", c.Recovered}, {"replaced", c.Replaced}, {"lost", c.Lost}, {"rows", c.Rows}, {"rejected", c.Rejected}, {"rescued", c.Rescued},
		{"inexact", c.Inexact}, {"bytes", c.Bytes}, {"inserts", c.Inserts}, {"changed", c.Changed}, {"mismatches", c.Mismatches},
	} {
		add(count.name, strconv.FormatUint(count.n, 10))
	}
	if len(r.Result.Differing) > 0 {
		add("differing_rows", byType(r.Result.Differing))
	}
	if len(r.Result.Kept) > 0 {
		add("kept_days", byType(r.Result.Kept))
	}
	if l := r.Result.Listing; !l.At.IsZero() {
		var types, days []string
		for _, t := range l.Types {
			types = append(types, schema.Literal(string(t)))
		}
		for _, p := range l.Days {
			days = append(days, fmt.Sprintf("(toDate('%s'), toDate('%s'))", p.From.UTC().Format(time.DateOnly), p.To.UTC().Format(time.DateOnly)))
		}
		add("listed_types", "["+strings.Join(types, ", ")+"]")
		add("listed_days", "["+strings.Join(days, ", ")+"]")
		add("listed_at", fmt.Sprintf("fromUnixTimestamp64Milli(%d, 'UTC')", l.At.UnixMilli()))
	}
	return names, values
}

// byType is the SQL of a Map by log type.
func byType[N int | uint64](m map[rawlog.Type]N) string {
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s, %d", schema.Literal(string(t)), m[t]))
	}
	return "map(" + strings.Join(parts, ", ") + ")"
}
