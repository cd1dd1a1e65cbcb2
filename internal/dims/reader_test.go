package dims

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/testkit"
)

// A dictionary's definition lies in clear among the store's data, which SQL can
// read. What it holds is the password of the user who may only read.
func TestDictionariesHoldTheReadersPassword(t *testing.T) {
	t.Parallel()
	cfg := testkit.DatabaseConfig(t)
	st := testkit.OpenStore(t, cfg)
	if views, _, err := PutDictionaries(t.Context(), st); err != nil || len(views) > 0 {
		t.Fatalf("%v, %v", views, err)
	}
	endpoint, _ := st.Engine()
	readers := 0
	data := filepath.Join(strings.TrimPrefix(cfg.Spec, "embedded:"), "data")
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".sql" {
			return nil //nolint:nilerr // other tests' databases come and go
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // likewise
		}
		if strings.Contains(string(text), endpoint.Password) {
			t.Errorf("%s holds the owner's password", path)
		}
		if strings.Contains(string(text), endpoint.ReaderPassword) {
			readers++
		}
		return nil
	})
	if err != nil || readers < len(Entities()) {
		t.Errorf("%d definitions hold the reader's password, %v", readers, err)
	}
}
