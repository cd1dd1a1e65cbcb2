package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"golang.org/x/sync/errgroup"

	"rawlogs/internal/store"
	"rawlogs/schema"
)

// scratchPrefix begins the names of a rehearsal's tables; the second of their
// making follows.
const scratchPrefix = store.ScratchPrefix

// scratchAge is when a rehearsal's table is taken for a dead check's.
const scratchAge = 10 * time.Minute

// copyAge is when a run's is: the name says when the run began, which may last for days.
const copyAge = 7 * 24 * time.Hour

// checkRehearsal does on copies of the tables, of the same definition, what a
// run does: rows go in, are counted, deleted and counted again.
func (c checker) checkRehearsal(ctx context.Context) ([]Finding, error) {
	if missing, err := c.st.MissingForCopies(ctx); err != nil || len(missing) > 0 {
		if err != nil {
			return nil, err
		}
		return one(Warn, "a load cannot be rehearsed: the user lacks "+strings.Join(missing, ", "),
			grant(missing, c.st.Database(), c.st.User())+" for the checks' own tables, "+scratchPrefix+"…")
	}
	now, err := c.st.Now(ctx)
	if err != nil {
		return nil, err
	}
	if err = c.dropDeadScratch(ctx, now); err != nil {
		return nil, err
	}
	have, err := c.engines(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(store.RawTables(), ownTables())
	found := make([]Finding, len(names))
	var group errgroup.Group
	for i, table := range names {
		// A copy of an engine that passes rows on would pass them on to the same table.
		if have[table] == "" || c.servedEngine(table, have[table]).Level != OK { //guard:copies-keep-rows
			continue // checkTables says it
		}
		group.Go(func() error {
			scratch := fmt.Sprintf("%s%d_%08x_%s", scratchPrefix, now.Unix(), rand.Uint32(), table)
			found[i] = c.rehearse(ctx, table, have[table], scratch)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(f Finding) bool { return f.Level == "" }), nil
}

// dropDeadScratch removes what checks left behind that were killed.
func (c checker) dropDeadScratch(ctx context.Context, now time.Time) error {
	have, err := c.engines(ctx)
	if err != nil {
		return err
	}
	for name := range have {
		if deadScratch(name, now) {
			if err := c.dropScratch(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// deadScratch reports whether a name is of a table that a check or a run left behind.
func deadScratch(name string, now time.Time) bool {
	if began, ok := store.CopyMadeBy(name); ok {
		return now.Sub(began) > copyAge
	}
	rest, ok := strings.CutPrefix(name, scratchPrefix)
	made, _, _ := strings.Cut(rest, "_")
	second, err := strconv.ParseInt(made, 10, 64)
	return ok && err == nil && now.Sub(time.Unix(second, 0)) > scratchAge
}

func (c checker) dropScratch(ctx context.Context, scratch string) error {
	if !strings.HasPrefix(scratch, scratchPrefix) {
		return fmt.Errorf("%s is not a table of a check", scratch)
	}
	return c.st.DropTable(ctx, scratch)
}

// rehearse goes through a load on a copy of a table.
func (c checker) rehearse(ctx context.Context, table, engine, scratch string) (f Finding) {
	what := "rehearsal " + table
	fail := func(step string, err error) Finding {
		return Finding{Fail, what, step + ": " + err.Error(), hintFor(err, c.st.User())}
	}
	if err := c.st.CopyTable(ctx, scratch, table); err != nil {
		return fail("making a copy of the table", err)
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := c.dropScratch(after, scratch); err != nil && f.Level != Fail {
			f = fail("dropping the copy "+scratch, err)
		}
	}()
	const rows = 3
	raw := slices.Contains(store.RawTables(), table)
	insert := c.rehearseInsert
	if raw {
		insert = c.rehearseStream
	}
	if err := insert(ctx, scratch, rows); err != nil {
		return fail("inserting rows", err)
	}
	count := func() (n uint64, err error) {
		err = c.st.Conn().QueryRow(ctx, "SELECT count() FROM "+c.st.Holding(scratch)+" WHERE network = ?", scratchNetwork).Scan(&n)
		return n, err
	}
	n, err := count()
	if err != nil {
		return fail("counting rows", err)
	}
	if n != rows {
		hint := "look for a TTL or a row policy that takes them away: SHOW CREATE TABLE, SHOW ROW POLICIES"
		if merging := c.st.Merging(engine); raw && merging != "" {
			hint = merging
		}
		return Finding{Fail, what, fmt.Sprintf("%d rows were inserted and acknowledged, %d are seen", rows, n), hint}
	}
	if !raw && table != store.RejectedRows {
		return Finding{OK, what, "rows inserted and counted on a copy", ""} // nothing of the ledger is ever deleted
	}
	if err = c.st.Delete(ctx, scratch, "network = ?", scratchNetwork); err != nil {
		return fail("deleting rows", err)
	}
	if n, err = count(); err != nil || n != 0 {
		return fail("deleting rows", errors.Join(err, fmt.Errorf("%d of %d are left", n, rows)))
	}
	return Finding{OK, what, "rows inserted, counted, deleted and counted on a copy", ""}
}

// scratchNetwork is the network of a rehearsal's rows.
const scratchNetwork = "ingest check"

func (c checker) rehearseInsert(ctx context.Context, scratch string, rows int) error {
	var columns, values string
	switch {
	case strings.HasSuffix(scratch, store.RejectedRows):
		columns, values = "_insert", "number"
	case strings.HasSuffix(scratch, "leases"):
		columns, values = "seq, expires", "number, now64(3) + INTERVAL 1 DAY" // our own TTL goes by it
	case strings.HasSuffix(scratch, "listings"):
		columns, values = "from_day", "toDate(number)"
	default:
		columns, values = "version, file", "number, toString(number)" // of one file they would be versions of one row
	}
	return c.st.Write(ctx, store.Op{Kind: "check", Detail: scratch}, func(ctx context.Context) error {
		return c.st.Conn().Exec(c.st.InsertContext(ctx), "INSERT INTO "+c.st.Holding(scratch)+" (network, "+columns+") SELECT ?, "+values+" FROM numbers("+strconv.Itoa(rows)+")", scratchNetwork)
	})
}

// rehearseStream inserts as raw logs are, over a connection of its own.
func (c checker) rehearseStream(ctx context.Context, scratch string, rows int) error {
	client, err := c.st.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	var network, file proto.ColStr
	var line proto.ColUInt32
	var insert proto.ColUInt64
	var hour proto.ColDateTime
	now := time.Now().UTC().Truncate(time.Hour)
	names, files := network.LowCardinality(), file.LowCardinality()
	for i := range rows {
		names.Append(scratchNetwork)
		files.Append("check.zip")
		line.Append(uint32(i))
		insert.Append(1)
		hour.Append(now)
	}
	input := proto.Input{
		{Name: "network", Data: names}, {Name: "_file", Data: files}, {Name: "_line", Data: line},
		{Name: "_insert", Data: insert}, {Name: "_hour", Data: &hour},
	}
	return c.st.Write(ctx, store.Op{Kind: "check", Detail: scratch}, func(ctx context.Context) error {
		return client.Do(ctx, ch.Query{Body: "INSERT INTO " + c.st.Holding(scratch) + " " + input.Columns() + " VALUES", Input: input, Settings: c.st.InsertSettings()})
	})
}

var neededGrant = regexp.MustCompile(`necessary to have the grant (.+?)\.(?:\s|$)`)

// hintFor says what to do about a refused step.
func hintFor(err error, user string) string {
	if m := neededGrant.FindStringSubmatch(err.Error()); m != nil {
		return "GRANT " + strings.Replace(m[1], "for at least one column ", "", 1) + " TO " + schema.Identifier(user)
	}
	return hintOr(err, "a load would end with this error: fix its cause")
}

// hintOr is what an error itself says to do about it, or else otherwise.
func hintOr(err error, otherwise string) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return otherwise
}

// checkRecovery asks for everything that a run needs once an earlier one died.
func (c checker) checkRecovery(ctx context.Context) ([]Finding, error) {
	var out []Finding
	for _, step := range []struct {
		sql, why string
	}{
		{"SELECT count() FROM system.processes", "to end what a dead run left at work"},
		{"KILL QUERY WHERE query_id = 'ingest-check-unused' ASYNC", "to end what a dead run left at work"},
		{"SELECT count() FROM system.mutations", "to end a dead run's deletions, and to name one that is stuck"},
		{"KILL MUTATION WHERE database = currentDatabase() AND mutation_id = 'ingest-check-unused' SYNC", "to end a dead run's deletions"},
	} {
		if err := c.st.Conn().Exec(ctx, step.sql); err != nil {
			out = append(out, Finding{Fail, "recovery", step.why + ": " + err.Error(), hintFor(err, c.st.User())})
		}
	}
	if len(out) == 0 {
		return one(OK, "queries of a dead run can be found and ended", "")
	}
	return out, nil
}

// checkAddress dials many connections at once: behind an address that several
// servers share they lead to different ones.
func (c checker) checkAddress(ctx context.Context) ([]Finding, error) {
	if _, embedded := c.st.Engine(); embedded {
		return nil, nil
	}
	n, err := c.st.DialMany(ctx)
	if err != nil {
		return one(Fail, err.Error(), "name one server")
	}
	return one(OK, fmt.Sprintf("%d connections lead to the same server", n), "")
}
