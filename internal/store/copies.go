package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ScratchPrefix begins the names of tables that are made to try something out, by a check
// or a run, and dropped at once.
const ScratchPrefix = "ingest_check_"

// runPrefix begins the names of the copies that a run makes.
const runPrefix = ScratchPrefix + "run_"

func copiesOf(run string) string {
	return runPrefix + strings.ReplaceAll(strings.ToLower(run), "-", "_") + "_"
}

// CopyOf names the n-th copy of a table that a run makes.
func CopyOf(run string, n uint64, table string) string {
	return fmt.Sprintf("%s%d_%s", copiesOf(run), n, table)
}

// CopyMadeBy is when the run began that made a copy of that name; false for another name.
func CopyMadeBy(name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, runPrefix)
	stamp, _, _ := strings.Cut(rest, "_")
	at, err := time.Parse("20060102t150405", stamp)
	return at, ok && err == nil
}

// dropCopies drops the copies of tables that a run left behind which is over.
func (s *Server) dropCopies(ctx context.Context, run string) error {
	var left []string
	err := s.Conn().QueryRow(ctx, "SELECT groupArray(name) FROM system.tables WHERE database = ? AND startsWith(name, ?)", s.Database(), copiesOf(run)).Scan(&left)
	if err != nil {
		return fmt.Errorf("looking for copies of tables that run %s made: %w", run, err)
	}
	for _, name := range left {
		if err := s.DropTable(ctx, name); err != nil {
			return fmt.Errorf("dropping %s, a copy that run %s made: %w", name, run, err)
		}
	}
	return nil
}
