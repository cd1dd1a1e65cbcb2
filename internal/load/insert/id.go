package insert

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/store"
)

// NewRun returns a name for a run: its start for people, and enough chance that no two
// are alike. The name says which INSERTs are the run's own, see IDs.
func NewRun(start time.Time) string {
	chance := rand.Uint32() //guard:insert-id-random
	return start.UTC().Format(runLayout) + fmt.Sprintf("-%08x", chance)
}

const runLayout = "20060102t150405"

// mostInserts is more than any run sends.
const mostInserts = 1 << 20

// IDs returns the ids that a run gives to its INSERTs, from its name: seconds above, the
// name's chance below. So ids of one time lie together, which keeps a part's minmax
// index on _insert narrow. It is false for a name that NewRun did not make.
func IDs(run string) (store.InsertRange, bool) {
	stamp, chance, ok := strings.Cut(run, "-")
	start, terr := time.Parse(runLayout, stamp)
	low, err := strconv.ParseUint(chance, 16, 32)
	if !ok || terr != nil || err != nil {
		return store.InsertRange{}, false
	}
	first := uint64(start.Unix())<<32 | low
	return store.InsertRange{First: first + 1, End: first + mostInserts}, true
}

// newID returns an id for an INSERT. It is counted, so that no two of a run are alike
// whatever the clock does meanwhile.
func (s *Sender) newID() uint64 { return s.last.Add(1) } //guard:insert-id-counts

// QueryID names an INSERT for system.processes and system.query_log.
func QueryID(run string, insert uint64) string {
	return fmt.Sprintf("%s%016x", store.QueryPrefix(run), insert)
}
