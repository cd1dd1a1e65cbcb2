package store

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rawlogs/internal/rawlog"
)

// Level is how bad a finding is.
type Level string

// The levels: a Fail breaks the promise of loading exactly once, or loading
// itself; a Warn may.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is one line of a check.
type Finding struct {
	Level  Level
	What   string // what was looked at: "server", "rights", "table clicks"
	Detail string // what was found
	Hint   string // what to do about it; "" where nothing is wrong
}

// Check looks at everything about the store that loading depends on, and
// changes nothing. What cannot be asked is itself a finding.
func (s *Store) Check(ctx context.Context) []Finding {
	var out []Finding
	for _, c := range []struct {
		what string
		look func(context.Context) ([]Finding, error)
	}{
		{"server", s.checkServer}, {"connection", s.checkConnection}, {"clock", s.checkClock}, {"disk", s.checkDisk},
		{"settings", s.checkSettings}, {"rights", s.checkRights}, {"tables", s.checkTables}, {"mutations", s.checkMutations},
	} {
		found, err := c.look(ctx)
		if err != nil {
			found = append(found, Finding{Fail, c.what, err.Error(), "see the error; the user needs SELECT on the system tables"})
		}
		for _, f := range found {
			if f.What == "" {
				f.What = c.what
			}
			out = append(out, f)
		}
	}
	return out
}

// one wraps a single finding about the subject at hand.
func one(l Level, detail, hint string) ([]Finding, error) {
	return []Finding{{Level: l, Detail: detail, Hint: hint}}, nil
}

func (s *Store) checkServer(ctx context.Context) ([]Finding, error) {
	v, err := s.Conn().ServerVersion()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s answers: %s %d.%d.%d", s.Name(), v.Name, v.Version.Major, v.Version.Minor, v.Version.Patch)
	switch major, minor := v.Version.Major, v.Version.Minor; {
	case major < 23 || major == 23 && minor < 8:
		return one(Fail, text, "23.8 is the oldest that deletes a file's rows reliably: upgrade")
	case major < 25:
		return one(Warn, text, "not tried with this version; 26.7 is what the tests run on")
	}
	return one(OK, text, "")
}

func (s *Store) checkConnection(context.Context) ([]Finding, error) {
	t := s.target
	if t.path != "" {
		return nil, nil
	}
	if t.tls != nil && t.tls.InsecureSkipVerify {
		return one(Warn, "the server's certificate is not verified", "drop skip_verify and have the server's authority trusted")
	}
	for _, addr := range t.addrs {
		host, _, _ := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); t.tls == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return one(Warn, "password and rows travel in clear to "+addr, "add secure=true to the address if the network is not yours")
		}
	}
	return nil, nil
}

func (s *Store) checkClock(ctx context.Context) ([]Finding, error) {
	before := time.Now()
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(before)
	diff := now.Sub(before.Add(took / 2)).Round(time.Second)
	const most = 5 * time.Second
	if diff.Abs() > most+took {
		return one(Warn, fmt.Sprintf("the store's clock is %s off this machine's", diff), "set both by NTP; leases go by the store's clock, the choice of new files by the listing")
	}
	return one(OK, "the store's clock agrees with this machine's", "")
}

func (s *Store) checkDisk(ctx context.Context) ([]Finding, error) {
	rows, err := s.Conn().Query(ctx, "SELECT name, unreserved_space, total_space FROM system.disks ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Finding
	for rows.Next() {
		var name string
		var free, total uint64
		if err := rows.Scan(&name, &free, &total); err != nil {
			return nil, err
		}
		f := Finding{OK, "disk " + name, fmt.Sprintf("%s free of %s", humanize.IBytes(free), humanize.IBytes(total)), ""}
		const little, least = 20 << 30, 2 << 30
		switch {
		case free < least:
			f.Level, f.Hint = Fail, "free some: a merge needs as much as the parts it merges"
		case free < little && free < total/20:
			f.Level, f.Hint = Warn, "a year of a large network takes tens of GB"
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// checkSettings looks for settings that we rely on and may not set.
func (s *Store) checkSettings(ctx context.Context) ([]Finding, error) {
	want := map[string]string{}
	for _, m := range []map[string]string{everySetting, insertSetting, streamSetting} {
		for name, value := range m {
			want[name] = value
		}
	}
	rows, err := s.Conn().Query(ctx, "SELECT name, value, readonly FROM system.settings WHERE has(?, name) ORDER BY name", append(settingNames(), "readonly"))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var stuck []string
	for rows.Next() {
		var name, value string
		var readonly uint8
		if err := rows.Scan(&name, &value, &readonly); err != nil {
			return nil, err
		}
		switch {
		case name == "readonly" && value != "0":
			return one(Fail, "the user's profile is read-only (readonly = "+value+")", "give it a profile with readonly = 0")
		case name != "readonly" && readonly == 1 && value != want[name]:
			stuck = append(stuck, name+" = "+value)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(stuck) > 0 {
		return one(Fail, "the user's profile forbids to change "+strings.Join(stuck, ", "), "lift these constraints for this user: INSERTs are all-or-nothing only with settings of our own")
	}
	return one(OK, "INSERTs are synchronous, in one part and without deduplication", "")
}

// checkRights asks for every right that the commands use.
func (s *Store) checkRights(ctx context.Context) ([]Finding, error) {
	all := quote(s.Database()) + ".*"
	var missing []string
	for _, right := range []string{"SELECT", "INSERT", "CREATE TABLE", "CREATE VIEW", "ALTER DELETE", "ALTER ADD COLUMN", "ALTER UPDATE"} {
		var granted uint8
		if err := s.Conn().QueryRow(ctx, "CHECK GRANT "+right+" ON "+all).Scan(&granted); err != nil {
			const syntaxError = 62
			if code(err) == syntaxError {
				return one(Warn, "this server cannot be asked for rights (CHECK GRANT)", "the first run will tell")
			}
			return nil, err
		}
		if granted == 0 {
			missing = append(missing, right)
		}
	}
	if len(missing) > 0 {
		text := strings.Join(missing, ", ")
		return one(Fail, "the user lacks "+text+" on "+all, "GRANT "+text+" ON "+all+" TO "+quote(s.user()))
	}
	return one(OK, "the user may create, insert, select, delete and alter in "+all, "")
}

func (s *Store) user() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.native.User
}

func (s *Store) checkMutations(ctx context.Context) ([]Finding, error) {
	rows, err := s.Conn().Query(ctx, `
		SELECT table, count(), any(latest_fail_reason) FROM system.mutations
		WHERE database = ? AND NOT is_done AND latest_fail_reason != '' GROUP BY table ORDER BY table`, s.Database())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Finding
	for rows.Next() {
		var table, reason string
		var n uint64
		if err := rows.Scan(&table, &n, &reason); err != nil {
			return nil, err
		}
		out = append(out, Finding{Warn, "table " + table, fmt.Sprintf("%d deletions or updates are stuck: %s", n, reason), "KILL MUTATION those of system.mutations that cannot end, or mend what they say"})
	}
	return out, rows.Err()
}

// rawTables are the tables of rows.
func rawTables() []string {
	var names []string
	for _, t := range rawlog.Types() {
		names = append(names, string(t))
	}
	return names
}

var identifier = regexp.MustCompile("[a-zA-Z_][a-zA-Z0-9_]*[ \t]*\\(?|`[^`]*`")

// oneFileOnePartition tells whether a partition key looks at nothing of a row
// but its file's hour.
func oneFileOnePartition(key string) bool {
	return !slices.ContainsFunc(identifier.FindAllString(key, -1), func(word string) bool {
		return !strings.HasSuffix(word, "(") && word != "_hour" && word != "`_hour`"
	})
}

// checkTables compares the tables with what the commands rely on, and not
// with the whole schema: columns are the analysts' to add.
func (s *Store) checkTables(ctx context.Context) ([]Finding, error) {
	const apply = "ingest schema apply makes it"
	rows, err := s.Conn().Query(ctx, `
		SELECT name, engine, partition_key, arrayStringConcat(dependencies_table, ', ')
		FROM system.tables WHERE database = ?`, s.Database())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type table struct{ engine, partition, views string }
	have := map[string]table{}
	for rows.Next() {
		var name string
		var t table
		if err := rows.Scan(&name, &t.engine, &t.partition, &t.views); err != nil {
			return nil, err
		}
		have[name] = t
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []Finding
	add := func(l Level, table, detail, hint string) {
		out = append(out, Finding{l, "table " + table, detail, hint})
	}
	for _, name := range append(rawTables(), "ingest_files", "ingest_leases", RejectedRows) {
		before := len(out)
		t, ok := have[name]
		if !ok {
			add(Fail, name, "is not there", apply)
			continue
		}
		columns, err := s.Columns(ctx, name)
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(t.engine, "MergeTree") || name == "ingest_files" && !strings.HasSuffix(t.engine, "ReplacingMergeTree") {
			add(Fail, name, "has the engine "+t.engine, "move it away (RENAME TABLE), apply the schema, and copy its rows back")
		}
		want := wanted(name)
		for _, column := range sortedKeys(want) {
			i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == column })
			switch {
			case i < 0:
				add(Fail, name, "lacks the column "+column, "ALTER TABLE "+s.TableName(name)+" ADD COLUMN "+quote(column)+" "+want[column])
			case !fits(name, column, columns[i].Type): //guard:lineage-types
				add(Fail, name, fmt.Sprintf("column %s is %s, not %s", column, columns[i].Type, want[column]), "ALTER TABLE "+s.TableName(name)+" MODIFY COLUMN "+quote(column)+" "+want[column])
			}
		}
		if !slices.Contains(rawTables(), name) {
			if len(out) == before {
				add(OK, name, fmt.Sprintf("%s, %d columns", t.engine, len(columns)), "")
			}
			continue
		}
		if !oneFileOnePartition(t.partition) {
			add(Fail, name, "is partitioned by "+t.partition+", so that a file's rows spread and can land in part", "make it anew with PARTITION BY toYYYYMM(_hour) and copy its rows") //guard:partition-check
		}
		if t.views != "" {
			add(Warn, name, "feeds "+t.views, "deletions and reloads do not reach a materialized view: it will drift from the table")
		}
		if len(out) == before {
			add(OK, name, fmt.Sprintf("%s by month of the file, %d columns", t.engine, len(columns)), "")
		}
	}
	return out, nil
}
