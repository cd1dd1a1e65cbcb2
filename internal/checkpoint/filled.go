package checkpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

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
			FROM `+l.st.Holding("ingest_files")+` FINAL WHERE `+where, args...).Scan(&u.Files, &unknown, &filled)
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

// Usual are the columns that files of a log type always fill.
type Usual struct {
	Files   uint64 // that say so, the latest; 0 where they are too few to say anything
	Rows    uint64 // that a file must have, to say something of it: enough of the others have no more
	Columns []string
}

const (
	// usualFiles is the most that are looked at: three weeks of every hour.
	usualFiles = 500
	// enoughFiles must have no more rows than the one in question. A column that chance
	// leaves empty in one of a hundred such files is missing from nearly two thirds of
	// such lists.
	enoughFiles = 100
)

// Usual finds them by the ledger, in the files of three months before a time. One that
// was found to lack a column is left out until somebody says that it may.
func (l *Ledger) Usual(ctx context.Context, typ rawlog.Type, before time.Time) (u Usual, err error) {
	// Without FINAL, as it would read the whole ledger: a file that was loaded twice
	// and not merged yet counts twice, which changes nothing of what all have.
	files := `
		FROM ` + l.st.Holding("ingest_files") + `
		WHERE network = ? AND log_type = ? AND state = 'loaded' AND rows > 0 AND notEmpty(filled) AND (NOT has(issues, 'columns') OR ignored != '') AND hour < ? AND hour >= ?`
	which := []any{l.network, string(typ), before, before.AddDate(0, -3, 0)}
	// A young ledger has too few, and the question below costs seven times this one.
	if err = l.st.Conn().QueryRow(ctx, "SELECT count()"+files, which...).Scan(&u.Files); err != nil {
		return Usual{}, fmt.Errorf("reading the ledger of files: %w", err)
	}
	if u.Files < enoughFiles {
		return Usual{}, nil
	}
	err = l.st.Conn().QueryRow(ctx, `
		WITH latest AS (SELECT rows, filled `+files+` ORDER BY hour DESC LIMIT ?)
		SELECT count(), arrayElement(arraySort(groupArray(rows)), ?),
			(SELECT groupArray(column) FROM (SELECT arrayJoin(filled) AS column FROM latest GROUP BY column HAVING count() = (SELECT count() FROM latest)))
		FROM latest`,
		append(which, usualFiles, enoughFiles)...).Scan(&u.Files, &u.Rows, &u.Columns)
	if err != nil {
		return Usual{}, fmt.Errorf("reading the ledger of files: %w", err)
	}
	slices.Sort(u.Columns)
	return u, nil
}

// Lacking are the columns that a file of so many rows should fill, and does not.
func (u Usual) Lacking(rows uint64, filled []string) []string {
	if u.Files == 0 || rows < u.Rows { //guard:usual-of-size
		return nil
	}
	var out []string
	for _, c := range u.Columns {
		if !slices.Contains(filled, c) {
			out = append(out, c)
		}
	}
	return out
}
