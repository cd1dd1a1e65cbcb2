// Package check says what about a store would keep ingest from loading exactly once. Run
// looks at everything, and rehearses a load on tables of its own, for `ingest check`.
// Loadable is what a run asks before it decides anything: the part without which a count
// proves nothing. Both change none of the store's own tables.
package check

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rawlogs/internal/store"
	"rawlogs/schema"
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

// checker looks at one server.
type checker struct{ st *store.Server }

// subject is what is looked at.
type subject struct {
	what string
	look func(context.Context) ([]Finding, error)
}

// Run looks at everything about the store that loading depends on, and tries
// out on tables of its own what a load does; they are gone when it returns. What
// cannot be asked is itself a finding. On a cluster it does so on each server.
func Run(ctx context.Context, st *store.Store) []Finding {
	if st.Cluster() == "" {
		return checker{st.Home()}.run(ctx)
	}
	servers, err := working(ctx, st)
	if err != nil {
		return []Finding{{Fail, "replicas", err.Error(), hintOr(err, "start the servers that are away, or take them out of the cluster")}}
	}
	out := whole{st, servers}.run(ctx)
	for _, server := range servers {
		for _, f := range (checker{server}).run(ctx) {
			f.What += " on " + server.Addr()
			out = append(out, f)
		}
	}
	return out
}

func (c checker) run(ctx context.Context) []Finding {
	return look(ctx, []subject{
		{"server", c.checkServer}, {"connection", c.checkConnection}, {"clock", c.checkClock}, {"disk", c.checkDisk},
		{"settings", c.checkSettings}, {"rights", c.checkRights}, {"tables", c.checkTables}, {"mutations", c.checkMutations},
		{"recovery", c.checkRecovery}, {"rehearsal", c.checkRehearsal}, {"address", c.checkAddress},
	})
}

// look looks at one subject after the other.
func look(ctx context.Context, subjects []subject) (out []Finding) {
	for _, subject := range subjects {
		found, err := subject.look(ctx)
		if err != nil {
			found = append(found, Finding{Fail, subject.what, err.Error(), hintOr(err, "see the error; the user needs SELECT on the system tables")})
		}
		for _, f := range found {
			if f.What == "" {
				f.What = subject.what
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

func (c checker) checkServer(ctx context.Context) ([]Finding, error) {
	v, err := c.st.Conn().ServerVersion()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s answers: %s %d.%d.%d", c.st.Name(), v.Name, v.Version.Major, v.Version.Minor, v.Version.Patch)
	switch major, minor := v.Version.Major, v.Version.Minor; {
	case major < 23 || major == 23 && minor < 8:
		return one(Fail, text, "23.8 is the oldest that deletes a file's rows reliably: upgrade")
	case major < 25:
		return one(Warn, text, "not tested with this version; the tests run on 26.7")
	}
	return one(OK, text, "")
}

func (c checker) checkConnection(context.Context) ([]Finding, error) {
	addrs, encrypted, verified := c.st.Transport()
	if encrypted && !verified {
		return one(Warn, "the server's certificate is not verified", "drop skip_verify and have the server's authority trusted")
	}
	for _, addr := range addrs {
		host, _, _ := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); !encrypted && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return one(Warn, "password and rows travel in clear to "+addr, "add secure=true to the address if the network is not yours")
		}
	}
	return nil, nil
}

func (c checker) checkClock(ctx context.Context) ([]Finding, error) {
	before := time.Now()
	now, err := c.st.Now(ctx)
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

func (c checker) checkDisk(ctx context.Context) ([]Finding, error) {
	rows, err := c.st.Conn().Query(ctx, "SELECT name, unreserved_space, total_space FROM system.disks ORDER BY name")
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

// checkSettings looks for settings that we rely on and may not set. The answer is one
// row, so that a limit on rows does not hide itself.
func (c checker) checkSettings(ctx context.Context) ([]Finding, error) {
	want, known := c.st.Pinned()
	var names, values []string
	var readonly []uint8
	err := c.st.Conn().QueryRow(ctx, "SELECT groupArray(name), groupArray(value), groupArray(readonly) FROM system.settings WHERE has(?, name)",
		append(slices.Sorted(maps.Keys(want)), "readonly")).Scan(&names, &values, &readonly)
	if err != nil {
		return nil, err
	}
	var stuck []string
	for i, name := range names {
		switch value := values[i]; {
		case name == "readonly" && value != "0":
			return one(Fail, "the user's profile is read-only (readonly = "+value+")", "give it a profile with readonly = 0")
		case name != "readonly" && !store.IsLimit(name) && (readonly[i] == 1 || !known[name]) && value != want[name]: //guard:settings-told
			stuck = append(stuck, name+" = "+value)
		}
	}
	slices.Sort(stuck)
	out := c.limits(ctx)
	if len(stuck) > 0 {
		return append(out, Finding{Level: Fail, Detail: "the user's profile forbids to change " + strings.Join(stuck, ", "),
			Hint: "lift these constraints for this user: INSERTs are all-or-nothing only with settings of our own"}), nil
	}
	return append(out, Finding{Level: OK, Detail: "INSERTs are synchronous, in one part and without deduplication"}), nil
}

// limits names each limit that the profile holds against loads: those that a usual load
// comes up against fail.
func (c checker) limits(ctx context.Context) []Finding {
	limits := c.st.Limits()
	if len(limits) == 0 {
		return nil
	}
	by := "the profile"
	if names := c.st.Profiles(ctx); names != "" {
		by += " " + names
	}
	var out []Finding
	for _, l := range limits {
		f := Finding{Level: Warn, Detail: fmt.Sprintf("%s is a limit that %s does not let the user %s change; usual loads stay under it, large ones may not", l, by, c.st.User())}
		if l.Stops() {
			f.Level, f.Detail = Fail, fmt.Sprintf("%s is a limit that %s does not let the user %s change, and loads exceed it", l, by, c.st.User())
		}
		f.Hint = store.LiftLimits(c.st.User(), []store.Limit{l})
		out = append(out, f)
	}
	return out
}

// checkRights asks for every right that the commands use.
func (c checker) checkRights(ctx context.Context) ([]Finding, error) {
	all := schema.Identifier(c.st.Database()) + ".*"
	missing, err := c.st.MissingRights(ctx)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		text := strings.Join(missing, ", ")
		return one(Fail, "the user lacks "+text+" on "+all, grant(missing, c.st.Database(), c.st.User()))
	}
	return one(OK, "the user may create, insert, select, delete and alter in "+all, "")
}

// grant is the statement that gives a user rights on a database.
func grant(rights []string, database, user string) string {
	return "GRANT " + strings.Join(rights, ", ") + " ON " + schema.Identifier(database) + ".* TO " + schema.Identifier(user)
}

func (c checker) checkMutations(ctx context.Context) ([]Finding, error) {
	rows, err := c.st.Conn().Query(ctx, `
		SELECT table, count(), any(latest_fail_reason) FROM system.mutations
		WHERE database = ? AND NOT is_done AND latest_fail_reason != '' GROUP BY table ORDER BY table`, c.st.Database())
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
		f := Finding{Warn, "table " + table, fmt.Sprintf("%d deletions or updates are stuck: %s", n, store.WithoutTrace(reason)), "KILL MUTATION those in system.mutations that cannot finish, or fix the reported cause"}
		if table == store.RejectedRows || slices.Contains(store.RawTables(), table) { //guard:stuck-fails
			f.Level, f.Detail = Fail, f.Detail+"; replacing a file's rows waits behind them, and fails"
		}
		out = append(out, f)
	}
	return out, rows.Err()
}
