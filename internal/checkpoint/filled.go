package checkpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// Unfilled are the columns of a log type that no file of the network has ever filled: no
// header names them, or not in words that are known.
type Unfilled struct {
	Type    string   `json:"type"`
	Files   uint64   `json:"files"` // that are loaded
	Columns []string `json:"columns"`
}

// Unfilled lists them by the ledger, without reading a row. A type of which nothing is
// loaded is left out, and so is one with files that an earlier release loaded, which did
// not note what they fill.
func (l *Ledger) Unfilled(ctx context.Context, types []rawlog.Type) ([]Unfilled, error) {
	out := []Unfilled{}
	for _, typ := range types {
		u := Unfilled{Type: string(typ)}
		var filled []string
		var unknown uint64
		where, args := l.where(Filter{Types: []rawlog.Type{typ}, States: []State{Loaded}})
		err := l.st.Conn().QueryRow(ctx, `
			SELECT countIf(ingest_files.rows > 0), countIf(ingest_files.rows > 0 AND empty(filled)), groupUniqArrayArray(filled)
			FROM ingest_files FINAL WHERE `+where, args...).Scan(&u.Files, &unknown, &filled)
		if err != nil {
			return nil, fmt.Errorf("reading the ledger of files: %w", err)
		}
		if u.Files == 0 || unknown > 0 {
			continue
		}
		columns, err := l.st.Columns(ctx, string(typ))
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			lineage := slices.ContainsFunc(store.Lineage(), func(l store.LineageColumn) bool { return l.Name == c.Name })
			if !lineage && c.DefaultKind == "" && !slices.Contains(filled, c.Name) { //guard:unfilled-named
				u.Columns = append(u.Columns, c.Name)
			}
		}
		if len(u.Columns) > 0 {
			out = append(out, u)
		}
	}
	return out, nil
}

// Vital leaves of the columns those by which rows are joined, dated and paid.
func (u Unfilled) Vital() Unfilled {
	vital := []string{"transaction_id", "affiliate_id", "offer_id", "datetime", "revenue_cents", "payout_cents"}
	u.Columns = slices.DeleteFunc(slices.Clone(u.Columns), func(c string) bool { return !slices.Contains(vital, c) })
	return u
}

// String is a sentence for people.
func (u Unfilled) String() string {
	return fmt.Sprintf("%s: none of the files fills %s", u.Type, strings.Join(u.Columns, ", "))
}
