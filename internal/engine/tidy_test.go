//go:build linux && amd64

package engine

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// However short the server is open, the parts that were replaced do not pile up on disk, where
// each start reads them.
func TestOutdatedPartsGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, Config{Path: path, Database: "logs"})
	const parts = 2 * mostOutdated
	for _, statement := range []string{
		"CREATE TABLE logs.t (x UInt16, y UInt8) ENGINE = MergeTree ORDER BY x PARTITION BY x SETTINGS cleanup_delay_period = 2, old_parts_lifetime = 0",
		"INSERT INTO logs.t SELECT number, 1 FROM numbers(" + strconv.Itoa(parts) + ") SETTINGS max_partitions_per_insert_block = 0",
		"ALTER TABLE logs.t UPDATE y = 2 WHERE 1 SETTINGS mutations_sync = 1",
	} {
		mustQuery(t, e, statement)
	}
	first := strings.TrimSuffix(mustQuery(t, e, "SELECT path FROM system.parts WHERE database = 'logs' AND table = 't' AND active LIMIT 1"), "/")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(filepath.Dir(first), "*_*_*_*"))
	if err != nil || len(folders) < parts || len(folders) > parts+mostOutdated {
		t.Errorf("%d folders of %d parts, %v", len(folders), parts, err)
	}
}
