package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/firehose"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Files of events take the way of raw logs, with three differences. Events come more than
// once, so those that are in the table by another file are left out; therefore one loader
// takes the files one after the other, and a file that replaces its rows has an INSERT of
// its own. And where replaced rows held events that other files left out, those files are
// loaded again (relean).

// ErrShared is of a run that is to load events and only a share of the files.
var ErrShared = errors.New("two runs that share the files of events could not know of the same event in both: load them without --worker")

// sharedKey is an event that the open INSERT holds, or a file that is being read.
type sharedKey [16]byte

func shortKey(key string) sharedKey {
	sum := sha256.Sum256([]byte(key))
	return sharedKey(sum[:16])
}

// planEvents reads a file's text once for what its type has of it. The text is known to be
// whole then.
func (l *loader) planEvents(j *job) (*firehose.Plan, error) {
	text := l.inflater.Stream(j.body)
	plan, err := firehose.Read(firehose.NewScanner(text, int(l.budget.line)), j.file().Type)
	return plan, errors.Join(err, text.Close())
}

// openEvents makes a file of events ready to be read, but for those that it leaves out.
func (l *loader) openEvents(ctx context.Context, j *job) (load.Shape, error) {
	rd, err := l.reader(ctx, j.file().Type)
	if err != nil {
		return "", err
	}
	if err = l.leaveOut(ctx, j); err != nil {
		return "", err
	}
	scanner := firehose.NewScanner(l.inflater.Stream(j.body), int(l.budget.line))
	rd.ResetCutter(j.file(), firehose.NewCutter(j.events, scanner, l.rejecter(ctx)))
	l.reading = j
	shape, err := rd.Shape()
	if err != nil {
		l.reading = nil
		return "", &fileError{err}
	}
	return shape, nil
}

// leaveOut drops from a file's plan what was earlier in it, is in another file of the open
// INSERT, or is in the table by another file.
func (l *loader) leaveOut(ctx context.Context, j *job) error {
	p, name := j.events, j.file().Name
	p.Keep()
	holders := make(map[string]bool)
	places := make(map[string]int, len(p.Keys)) // of what is left, by key
	seen := make(map[sharedKey]bool, len(p.Keys))
	for i, key := range p.Keys {
		short := shortKey(key)
		holder, sent := l.sent[short]
		switch {
		case seen[short]: //guard:event-once-a-file
			p.Drop(i)
		case sent && holder != name: //guard:event-once-an-insert
			p.Drop(i)
			holders[holder] = true
		default:
			places[key] = i
		}
		seen[short] = true
	}
	for chunk := range slices.Chunk(slices.Collect(keysOf(places)), eventChunk) {
		err := l.steady(ctx, func(ctx context.Context) error {
			return l.standingEvents(ctx, j.file(), chunk, func(key, holder string) {
				if i, ok := places[key]; ok {
					p.Drop(i) //guard:event-once-a-table
					holders[holder] = true
					delete(places, key)
				}
			})
		})
		if err != nil {
			return err
		}
	}
	for key := range places {
		l.sent[shortKey(key)] = name
	}
	j.leans = slices.Sorted(keysOf(holders))
	return nil
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// eventChunk bounds the ids in one question to the store.
const eventChunk = 20_000

// standingEvents asks the store which of the events are in the table by other files of
// events, whose hour is near the file's.
func (r *run) standingEvents(ctx context.Context, f rawlog.File, keys []string, found func(key, holder string)) error {
	ids, err := ext.NewTable("wanted", ext.Column("id", "String"))
	if err != nil {
		return err
	}
	for _, key := range keys {
		id, _, _ := strings.Cut(key, "\x00")
		if err = ids.Append(id); err != nil {
			return err
		}
	}
	table := r.tables[f.Type]
	rescued := func(key string) string {
		own := "_rescued['" + key + "']"
		if slices.ContainsFunc(table.Columns, func(c store.Column) bool { return c.Name == key }) {
			return "if(mapContains(_rescued, '" + key + "'), " + own + ", toString(" + key + "))"
		}
		return own
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(ids))
	days := time.Duration(r.EventDays) * aDay
	standing, err := r.st.Conn().Query(r.st.Wide(ctx), `
		SELECT DISTINCT tune_event_id, `+rescued("adjust_action")+`, `+rescued("adjustment_sequence_id")+`, toString(_file)
		FROM `+r.st.TableName(string(f.Type))+`
		WHERE network = ? AND startsWith(_file, '`+rawlog.EventsFolder+`') AND _file != ? AND _hour >= fromUnixTimestamp(?) AND _hour <= fromUnixTimestamp(?)
			AND tune_event_id IN (SELECT id FROM wanted)`,
		r.Network, f.Name, max(0, f.Hour.Add(-days).Unix()), min(f.Hour.Add(days).Unix(), 1<<32-1))
	if err != nil {
		return fmt.Errorf("looking events up in %s: %w", f.Type, err)
	}
	defer standing.Close()
	for standing.Next() {
		var id, action, sequence, holder string
		if err := standing.Scan(&id, &action, &sequence, &holder); err != nil {
			return fmt.Errorf("looking events up in %s: %w", f.Type, err)
		}
		found(firehose.KeyOf(id, action, sequence), holder)
	}
	if err := standing.Err(); err != nil {
		return fmt.Errorf("looking events up in %s: %w", f.Type, err)
	}
	return nil
}

// forget takes back what was noted of the events of an INSERT: it is over, or begun anew.
func (l *loader) forget() { clear(l.sent) }

// markMoved notes in the ledger that rows which held events are about to be replaced by
// those of another text, before they are: files that left out these events are to be
// loaded again, by this run or, if it dies, by a later one.
func (l *loader) markMoved(ctx context.Context, jobs []*job) error {
	for _, j := range jobs {
		if j.events == nil || contentsOf(j.body) == j.text {
			continue
		}
		if !j.entry.Has(checkpoint.LeftOut) { //guard:moved-marked
			j.entry.Settle(l.Now(), append(slices.Clone(j.entry.Issues), checkpoint.Issue{Kind: checkpoint.LeftOut,
				Text: "its text was replaced; files that left out events which it held are to be loaded again"})...)
			if err := l.record(ctx, []*checkpoint.Entry{j.entry}); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaited is a file of events whose rows were replaced, with those that lean on it.
type awaited struct {
	file rawlog.File
	on   []*job
}

// relean returns the files that left out events which replaced ones held: they are loaded
// again. What was so marked and needs no more is withdrawn.
func (r *run) relean(ctx context.Context) ([]*job, error) {
	if !r.Events || r.stopped() {
		return nil, nil
	}
	for _, a := range r.awaits {
		if !slices.ContainsFunc(a.on, func(j *job) bool { return j.state != jobLoaded }) {
			if err := r.withdraw(ctx, a.file); err != nil {
				return nil, err
			}
		}
	}
	r.awaits = nil
	moved, err := r.entries(ctx, checkpoint.Filter{Types: r.Types, Issues: true})
	if err != nil {
		return nil, err
	}
	byKey := make(map[fileKey]*job)
	for _, e := range moved {
		if !e.Has(checkpoint.LeftOut) || r.releaned[keyOf(e.File)] {
			continue
		}
		if r.releaned == nil {
			r.releaned = make(map[fileKey]bool)
		}
		r.releaned[keyOf(e.File)] = true
		leaning, err := r.entries(ctx, checkpoint.Filter{Types: []rawlog.Type{e.File.Type}, LeanOn: e.File.Name})
		if err != nil {
			return nil, err
		}
		a := awaited{file: e.File}
		for i := range leaning {
			other := &leaning[i]
			key := keyOf(other.File)
			if byKey[key] == nil && !r.ahead.over(other.File) {
				byKey[key] = newJob(other, other.File)
				byKey[key].again = true
			}
			if j := byKey[key]; j != nil {
				a.on = append(a.on, j)
			}
		}
		if len(a.on) == 0 {
			if err := r.withdraw(ctx, e.File); err != nil {
				return nil, err
			}
			continue
		}
		r.awaits = append(r.awaits, a)
	}
	var jobs []*job
	for _, j := range byKey {
		jobs = append(jobs, j)
	}
	slices.SortFunc(jobs, func(a, b *job) int { return compareFiles(a.file(), b.file()) })
	if len(jobs) > 0 {
		r.Log.Info("files left out events that another one no longer holds; loading them again", "files", len(jobs))
		r.sum.add(func(s *Summary) { s.Relean += len(jobs) })
	}
	return jobs, nil
}

// withdraw takes the mark off a file of events whose replaced rows nobody leans on any more.
func (r *run) withdraw(ctx context.Context, f rawlog.File) error {
	entries, err := r.entries(ctx, checkpoint.Filter{Types: []rawlog.Type{f.Type}, Files: []string{f.Name}})
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		e.Withdraw(checkpoint.LeftOut)
		e.Run = r.id
		if err := r.record(ctx, []*checkpoint.Entry{e}); err != nil {
			return err
		}
	}
	return nil
}

// eventIssues lists what is not as it should be about a file of events that is loaded. Its
// rows need not lie in its hour, and which keys it has depends on what happened.
func eventIssues(c rows.Counts) []checkpoint.Issue {
	var out []checkpoint.Issue
	add := func(kind checkpoint.Kind, format string, args ...any) {
		out = append(out, checkpoint.Issue{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	if c.Rejected > 0 {
		add(checkpoint.Rejected, "%d of its messages or events could not be read: see rejected_rows", c.Rejected)
	}
	out = append(out, valueIssues(c, "events", "a rounded amount, parts of a second")...)
	if lacks := lacking(c); lacks != "" {
		add(checkpoint.Columns, "%s %s: do its keys mean our columns?", noneHas(c.Rows), lacks)
	}
	return out
}

// checkEvents refuses what events cannot be loaded with.
func (r *run) checkEvents() error {
	if !r.Events {
		return nil
	}
	if !r.Share.All() { //guard:events-unshared
		return ErrShared
	}
	for _, t := range r.Types {
		if table := r.tables[t]; table != nil && !slices.ContainsFunc(table.Columns, func(c store.Column) bool { return c.Name == "tune_event_id" }) {
			return fmt.Errorf("table %s has no column tune_event_id, by which an event is known: add it with ALTER TABLE %s ADD COLUMN tune_event_id String",
				table.Name, schema.Identifier(cmp.Or(table.Name, string(t))))
		}
	}
	return nil
}
