package near_test

import (
	"testing"

	"rawlogs/internal/near"
)

func TestOf(t *testing.T) {
	t.Parallel()
	known := []string{"network_id", "token_file", "source", "max_memory", "max_rejected", "id"}
	for name, want := range map[string]string{
		"sauce": "source", "maxMemory": "max_memory", "max-memory": "max_memory", "max_rejetced": "max_rejected",
		"token": "token_file", "network": "network_id", "Id": "id", "di": "id",
		"frobnicate": "", "x": "", "network_token": "",
	} {
		if got := near.Of(name, known); got != want {
			t.Errorf("%s is nearest to %q, want %q", name, got, want)
		}
	}
}
