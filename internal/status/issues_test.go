package status

import (
	"strings"
	"testing"

	"rawlogs/internal/checkpoint"
)

// TestIssueKindsAreExplained: the help names every kind of issue.
func TestIssueKindsAreExplained(t *testing.T) {
	t.Parallel()
	for _, kind := range checkpoint.Kinds() {
		if !strings.Contains("\n"+Kinds, "\n"+string(kind)+" ") {
			t.Errorf("the help of ingest issues does not explain %q", kind)
		}
	}
}
