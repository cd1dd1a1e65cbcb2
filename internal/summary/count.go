package summary

import (
	"fmt"
	"io"
	"strings"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Count is what a count of the store against the ledger found. Its JSON names are a
// promise.
type Count struct {
	Network     string       `json:"network"`
	Files       int          `json:"files"`
	Rows        uint64       `json:"rows"`
	Unsettled   int          `json:"unsettled"` // files being loaded or dropped, or left so by a run that died
	Expired     int          `json:"expired"`   // of files: whose month is over, so that they have no rows
	Differences []Difference `json:"differences"`
	RollUps     []RollUp     `json:"rollups,omitempty"` // that do not say what the rows say
}

// RollUp is a day on which a roll-up of a table has other sums than its rows.
type RollUp struct {
	Table   string `json:"table"`
	Name    string `json:"name"`
	Day     string `json:"day"`     // of the rows' time (UTC)
	Rows    uint64 `json:"rows"`    // in the table
	Counted uint64 `json:"counted"` // by the roll-up
}

// String says what differs.
func (r RollUp) String() string {
	return fmt.Sprintf("%s: the roll-up %s has %s rows on %s, the table %s", r.Table, r.Name, term.Count(r.Counted), r.Day, term.Count(r.Rows))
}

// Difference is a file whose rows in the store are not those of the ledger.
type Difference struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Ledger uint64 `json:"ledger"` // rows the ledger says
	Stored uint64 `json:"stored"` // rows counted

	LedgerRejected uint64 `json:"ledger_rejected"` // lines in rejected_rows
	StoredRejected uint64 `json:"stored_rejected"`
	Orphans        uint64 `json:"orphans"`             // of stored: rows of inserts that the ledger does not list
	Uncarried      bool   `json:"uncarried,omitempty"` // a copy of a text that no file has rows of
}

// String says what differs.
func (d Difference) String() string {
	if d.Uncarried {
		return fmt.Sprintf("%s %s: a copy of a file whose rows are gone, or of another text now", d.Type, d.Name)
	}
	text := fmt.Sprintf("%s %s: the ledger says %s, the store holds %s", d.Type, d.Name, term.Count(d.Ledger), term.Count(d.Stored))
	if d.LedgerRejected != d.StoredRejected {
		text += fmt.Sprintf("; rejected lines %s and %s", term.Count(d.LedgerRejected), term.Count(d.StoredRejected))
	}
	if d.Orphans > 0 {
		text += fmt.Sprintf("; %s of them by inserts that the ledger does not list", term.Count(d.Orphans))
	}
	return text
}

func describeDifference(d pipeline.Difference) Difference {
	return Difference{
		Type: string(d.File.Type), Name: d.File.Name, Ledger: d.Ledger, Stored: d.Stored,
		LedgerRejected: d.LedgerRejected, StoredRejected: d.StoredRejected, Orphans: d.Orphans, Uncarried: d.Uncarried,
	}
}

// Counted sums up a count.
func Counted(network string, r pipeline.VerifyReport) Count {
	out := Count{network, r.Files, r.Rows, r.Unsettled, r.Expired, []Difference{}, nil}
	for _, d := range r.Differences {
		out.Differences = append(out.Differences, describeDifference(d))
	}
	for _, d := range r.RollUps {
		out.RollUps = append(out.RollUps, RollUp{d.Table, d.RollUp, d.Day, d.Rows, d.Counted})
	}
	return out
}

// String prints the sums, and a line for each difference.
func (c Count) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s rows: %s\n", term.Plural(c.Files, "file"), term.Count(c.Rows), term.Plural(len(c.Differences), "difference"))
	if c.Unsettled > 0 {
		fmt.Fprintf(&b, "%s not counted: being loaded or dropped, or left by a run that died (`ingest run` cleans up)\n", term.Plural(c.Unsettled, "file"))
	}
	if c.Expired > 0 {
		fmt.Fprintf(&b, "%s expired: their months are over (`ingest schema ttl`)\n", term.Plural(c.Expired, "file"))
	}
	for _, d := range c.Differences {
		fmt.Fprintf(&b, "  %s\n", plain.Text(d.String()))
	}
	for _, r := range c.RollUps {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	return b.String()
}

// Print writes the count for people.
func (c Count) Print(w io.Writer) error {
	_, err := io.WriteString(w, c.String())
	return err
}
