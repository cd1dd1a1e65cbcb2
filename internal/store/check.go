package store

import (
	"context"
	"fmt"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
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

// Check looks at everything about the store that loading depends on, and tries
// out on tables of its own what a load does; they are gone when it returns. What
// cannot be asked is itself a finding.
func (s *Store) Check(ctx context.Context) []Finding {
	var out []Finding
	for _, c := range []struct {
		what string
		look func(context.Context) ([]Finding, error)
	}{
		{"server", s.checkServer}, {"connection", s.checkConnection}, {"clock", s.checkClock}, {"disk", s.checkDisk},
		{"settings", s.checkSettings}, {"rights", s.checkRights}, {"tables", s.checkTables}, {"mutations", s.checkMutations},
		{"recovery", s.checkRecovery}, {"rehearsal", s.checkRehearsal}, {"address", s.checkAddress},
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
	for _, m := range []map[string]string{everySetting, s.shape().settings, limitSetting, insertSetting, streamSetting} {
		maps.Copy(want, m)
	}
	s.mu.RLock()
	known := s.known
	s.mu.RUnlock()
	rows, err := s.Conn().Query(ctx, "SELECT name, value, readonly FROM system.settings WHERE has(?, name) ORDER BY name", append(sortedKeys(want), "readonly"))
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
		case name != "readonly" && (readonly == 1 || !known[name]) && value != want[name]: //guard:settings-told
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
	missing, err := s.missingRights(ctx, s.shape().rights)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		text := strings.Join(missing, ", ")
		return one(Fail, "the user lacks "+text+" on "+all, "GRANT "+text+" ON "+all+" TO "+quote(s.user()))
	}
	return one(OK, "the user may create, insert, select, delete and alter in "+all, "")
}

// missingRights are those of rights on the database that the user does not have;
// of a server too old to be asked they are none.
func (s *Store) missingRights(ctx context.Context, rights []string) ([]string, error) {
	var missing []string
	for _, right := range rights {
		var granted uint8
		if err := s.Conn().QueryRow(ctx, "CHECK GRANT "+right+" ON "+quote(s.Database())+".*").Scan(&granted); err != nil {
			const syntaxError = 62
			if code(err) == syntaxError {
				return nil, nil
			}
			return nil, err
		}
		if granted == 0 {
			missing = append(missing, right)
		}
	}
	return missing, nil
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
		out = append(out, Finding{Warn, "table " + table, fmt.Sprintf("%d deletions or updates are stuck: %s", n, withoutTrace(reason)), "KILL MUTATION those of system.mutations that cannot end, or mend what they say"})
	}
	return out, rows.Err()
}
