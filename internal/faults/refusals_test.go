package faults

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// refusal is a way in which the store refuses a run's writes.
type refusal struct {
	name     string
	kind     string // of the writes that are refused; refused before the first of them
	detail   string // begins their detail
	spoil    string // what brings it about, unless it is the address
	mend     string
	address  string // settings that the store's address brings instead
	passing  bool   // mended while the run tries again
	lasting  bool   // another attempt may fare better: tried again, within bounds
	attempts int64  // of that write; 0 is not counted
	code     string // the server's own
	says     string // what of the tables' and commands' names is told
	single   bool   // of one server alone: of several shards, some have no part that would be one too many
}

const full = "1000000000000000" // bytes that no disk of ours has free

func refusals() []refusal {
	setting := func(table, name, value string) (spoil, mend string) {
		return "ALTER TABLE " + table + " MODIFY SETTING " + name + " = " + value, "ALTER TABLE " + table + " RESET SETTING " + name
	}
	gone := func(table string) (spoil, mend string) {
		return "RENAME TABLE " + table + " TO " + table + "_kept", "RENAME TABLE " + table + "_kept TO " + table
	}
	var all []refusal
	add := func(c refusal, spoil, mend string) {
		c.spoil, c.mend = spoil, mend
		all = append(all, c)
	}
	const diskFull = "min_free_disk_bytes_to_perform_insert"
	disk := func(table string) (spoil, mend string) { return setting(table, diskFull, full) }
	parts := func() (spoil, mend string) { return setting("clicks", "parts_to_throw_insert", "1") }
	spoil, mend := disk("clicks")
	add(refusal{name: "disk full", kind: "insert", attempts: 1, code: "243", says: "clicks"}, spoil, mend)
	spoil, mend = disk("rejected_rows")
	add(refusal{name: "disk full for rejected lines", kind: "rejects", attempts: 1, code: "243", says: "rejected_rows"}, spoil, mend)
	spoil, mend = disk("ingest_files")
	add(refusal{name: "ledger full", kind: "ledger", detail: "planned", attempts: 1, code: "243", says: "ledger of files"}, spoil, mend)
	add(refusal{name: "ledger full after the rows", kind: "ledger", detail: "loaded", attempts: 1, code: "243", says: "ledger of files"}, spoil, mend)
	spoil, mend = disk("ingest_leases")
	add(refusal{name: "leases full", kind: "lease", detail: "claim", attempts: 1, code: "243", says: "lease"}, spoil, mend)
	spoil, mend = parts()
	add(refusal{name: "too many parts, for a while", kind: "insert", passing: true, single: true}, spoil, mend)
	add(refusal{name: "too many parts", kind: "insert", lasting: true, code: "252", says: "clicks", single: true}, spoil, mend)
	add(refusal{name: "too little memory", kind: "insert", lasting: true, address: "max_memory_usage=7000000", code: "241", says: "clicks"}, "", "")
	add(refusal{name: "read-only user", kind: "lease", detail: "claim", attempts: 1, address: "readonly=1", code: "164", says: "lease"}, "", "")
	spoil, mend = setting("clicks", "table_readonly", "1")
	add(refusal{name: "read-only table", kind: "insert", attempts: 1, code: "774", says: "clicks"}, spoil, mend)
	spoil, mend = gone("clicks")
	add(refusal{name: "table missing", says: "ingest schema apply"}, spoil, mend)
	add(refusal{name: "table gone in mid-run", kind: "insert", attempts: 1, code: "60", says: "clicks"}, spoil, mend)
	spoil, mend = gone("rejected_rows")
	add(refusal{name: "rejected_rows gone", kind: "rejects", attempts: 1, code: "60", says: "rejected_rows"}, spoil, mend)
	spoil, mend = gone("ingest_files")
	add(refusal{name: "ledger missing", code: "60", says: "ledger of files"}, spoil, mend)
	return all
}

// Whatever the store refuses, the run mends it or ends within its bounds with an
// error that says so; the ledger never calls loaded what is not there, and once
// the store takes everything again, the next run loads what is left.
func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range refusals() {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			if c.single && testkit.Sharded() {
				t.Skip("of several shards, some have no part yet")
			}
			c.test(newDatabase(t).rig(t))
		})
	}
}

func (c refusal) test(r *rig) {
	r.options.Parsers = 1
	r.options.StoreWait = time.Second
	src, _ := r.season()
	if c.address != "" { // one large enough to need memory
		f := &folder{r, src.Name()}
		name := gen.FileName(rawlog.Clicks, hourOf(4), 7)
		f.put(name, r.zip(name, gen.Spec{Type: rawlog.Clicks, Hour: hourOf(4), Rows: 3000}))
	}
	mend := func() {
		if c.mend != "" {
			r.exec(c.mend)
		}
	}
	if c.passing {
		r.options.StoreWait = 20 * time.Second
		r.said.after("nothing of an insert landed", 7, mend)
	}
	var attempts atomic.Int64
	st := r.address(c.address, func(ctx context.Context, op store.Op, do func(context.Context) error) error {
		if op.Kind == c.kind && strings.HasPrefix(op.Detail, c.detail) && attempts.Add(1) == 1 && c.spoil != "" {
			r.exec(c.spoil)
		}
		return do(ctx)
	})
	if c.kind == "" {
		r.exec(c.spoil)
	}
	begin := time.Now()
	sum, err := r.runOn(st, src)
	took := time.Since(begin)
	if c.passing {
		if err != nil || sum.Loaded != 4 {
			r.Fatalf("the run did not mend it: %v, %+v", err, sum)
		}
		r.recover(src)
		return
	}
	switch {
	case err == nil:
		r.Fatalf("nothing was refused: %+v", sum)
	case store.Retryable(err) != c.lasting || store.Fatal(err) == c.lasting:
		r.Errorf("retryable %v, fatal %v: %v", store.Retryable(err), store.Fatal(err), err)
	case !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.code):
		r.Errorf("says neither what nor why: %v", err)
	case c.lasting && attempts.Load() < 6 || c.attempts > 0 && attempts.Load() != c.attempts:
		r.Errorf("tried %d times: %v", attempts.Load(), err)
	case took > 15*time.Second:
		r.Errorf("took %v", took)
	}
	mend()
	r.checkLoaded()
	r.expireLeases() // of a run that could not give it back
	r.recover(src)
}

// checkLoaded compares what the ledger calls loaded with what is there.
func (r *rig) checkLoaded() {
	r.Helper()
	for _, e := range r.entries() {
		if e.State != checkpoint.Loaded {
			continue
		}
		if n := r.count("SELECT count() FROM clicks WHERE network = ? AND _file = ?", r.network, e.File.Name); n != e.Rows {
			r.Errorf("%s is loaded with %d rows, there are %d", e.File.Name, e.Rows, n)
		}
	}
}

func (r *rig) exec(sql string) {
	if err := testkit.OnShards(r.Context(), r.st, sql); err != nil {
		r.Errorf("%s: %v", sql, err)
	}
}

// address opens the rig's database as a server, or a cluster, by its address, which may bring
// settings along as a user's profile does.
func (r *rig) address(settings string, hook store.Hook) *store.Store {
	r.Helper()
	u := &url.URL{Scheme: "clickhouse", Path: "/" + r.st.Database(), RawQuery: settings}
	if e, ok := r.st.Engine(); ok {
		u.User, u.Host = url.UserPassword(e.User, e.Password), e.Addr
	} else {
		var err error
		if u, err = url.Parse(r.spec); err != nil {
			r.Fatal(err)
		}
		u.RawQuery += "&" + settings
	}
	st, err := store.Open(r.Context(), store.Config{Spec: u.String(), Log: r.said.log(), Hook: hook})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := st.Close(); err != nil {
			r.Error(err)
		}
	})
	return st
}
