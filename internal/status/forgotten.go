package status

import (
	"fmt"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/term"
)

// Forgotten counts the receipts of people who were forgotten. Its JSON names are a promise.
type Forgotten struct {
	Receipts   int `json:"receipts"`
	Unfinished int `json:"unfinished"` // of those: whose rows may still be there
}

// ForgottenOf counts receipts.
func ForgottenOf(receipts []checkpoint.Receipt) Forgotten {
	f := Forgotten{Receipts: len(receipts)}
	for _, r := range receipts {
		if !r.Done {
			f.Unfinished++
		}
	}
	return f
}

// String says how many people are kept out.
func (f Forgotten) String() string {
	return term.Plural(f.Receipts, "value") + " by which people were known: forgotten, and kept out by each load"
}

// Open says that something is left to do; "" where nothing is.
func (f Forgotten) Open() string {
	if f.Unfinished == 0 { //guard:forget-open-told
		return ""
	}
	return fmt.Sprintf("`ingest forget` did not come to its end for %s of %d: rows may still be there; run it again with the same values", term.Plural(f.Unfinished, "value"), f.Receipts)
}
