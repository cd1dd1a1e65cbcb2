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

// loadedUnder gathers the policies under which the files with rows were loaded; nothing
// where there never was one. now is that of the settings.
func loadedUnder(policies []checkpoint.Policy, now string) []Loaded {
	out, any := []Loaded{}, now != ""
	for _, p := range policies {
		any = any || p.Privacy != ""
		by := "reload"
		if p.Type.Snapshot() {
			by = p.Type.Loader()
		}
		at := slices.IndexFunc(out, func(l Loaded) bool { return l.Policy == p.Privacy && l.by == by })
		if at < 0 {
			at = len(out)
			out = append(out, Loaded{Policy: p.Privacy, Now: p.Privacy == now, by: by, from: p.From, to: p.To})
		}
		l := &out[at]
		l.Files += p.Files
		if p.From.Before(l.from) {
			l.from = p.From
		}
		if p.To.After(l.to) {
			l.to = p.To
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

// OfPrivacy asks the ledger under which policies files were loaded.
func OfPrivacy(ctx context.Context, ledger *checkpoint.Ledger, which checkpoint.Filter, now string) ([]Loaded, error) {
	policies, err := ledger.Policies(ctx, which)
	if err != nil {
		return nil, err
	}
	return loadedUnder(policies, now), nil
}
