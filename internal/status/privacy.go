package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/term"
)

// Loaded is under which policy for personal data files were loaded. Its JSON names are a
// promise.
type Loaded struct {
	Policy string `json:"policy"` // empty: none
	Files  int    `json:"files"`
	From   string `json:"from"` // first and last day
	To     string `json:"to"`
	Now    bool   `json:"now"`              // it is that of the settings
	Repair string `json:"repair,omitempty"` // command that loads them again, where it is not

	by       string
	from, to time.Time
}

// LoadedUnder gathers the policies under which the files with rows were loaded; nothing
// where there never was one. now is that of the settings.
func LoadedUnder(entries []checkpoint.Entry, now string) []Loaded {
	out, any := []Loaded{}, now != ""
	for i := range entries {
		e := &entries[i]
		if e.Rows == 0 && e.Rejected == 0 {
			continue
		}
		any = any || e.Privacy != ""
		by := "reload"
		if e.File.Type.Snapshot() {
			by = e.File.Type.Loader()
		}
		at := slices.IndexFunc(out, func(l Loaded) bool { return l.Policy == e.Privacy && l.by == by })
		if at < 0 {
			at = len(out)
			out = append(out, Loaded{Policy: e.Privacy, Now: e.Privacy == now, by: by, from: e.File.Hour, to: e.File.Hour})
		}
		l := &out[at]
		l.Files++
		if e.File.Hour.Before(l.from) {
			l.from = e.File.Hour
		}
		if e.File.Hour.After(l.to) {
			l.to = e.File.Hour
		}
	}
	if !any {
		return []Loaded{}
	}
	for i := range out {
		l := &out[i]
		l.From, l.To = l.from.UTC().Format(time.DateOnly), l.to.UTC().Format(time.DateOnly)
		if days := (rawlog.Period{From: rawlog.DayOf(l.from).From, To: rawlog.DayOf(l.to).To}); !l.Now {
			l.Repair = "ingest " + l.by + " " + days.String()
		}
	}
	slices.SortFunc(out, func(a, b Loaded) int { return cmp.Or(cmp.Compare(a.Policy, b.Policy), cmp.Compare(b.by, a.by)) })
	return out
}

// Other says that files were loaded under another policy than that of the settings, and how
// they are loaded again; "" where they were not.
func (l Loaded) Other() string {
	if l.Now { //guard:privacy-changed-told
		return ""
	}
	under := "without a privacy policy"
	if l.Policy != "" {
		under = "under another privacy policy (" + l.Policy + ")"
	}
	return fmt.Sprintf("%s loaded %s: load them again with `%s`, where the source still has them", term.Plural(l.Files, "file"), under, l.Repair)
}

// OfPrivacy asks the ledger under which policies a network's files were loaded.
func OfPrivacy(ctx context.Context, ledger *checkpoint.Ledger, now string) ([]Loaded, error) {
	entries, err := ledger.Entries(ctx, checkpoint.Filter{})
	if err != nil {
		return nil, err
	}
	return LoadedUnder(entries, now), nil
}
