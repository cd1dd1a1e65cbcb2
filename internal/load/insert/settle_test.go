package insert

import (
	"errors"
	"testing"

	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// Rows that were acknowledged and are not seen end the run, and no reload is advised.
func TestVisible(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if err := visible(t.Context(), attempt{at: st.Home(), table: "clicks", id: 1}, 0); err != nil {
		t.Errorf("nothing sent, nothing seen: %v", err)
	}
	var hidden *HiddenError
	if err := visible(t.Context(), attempt{at: st.Home(), table: "clicks", id: 1}, 5); !errors.As(err, &hidden) || hidden.Stored != 0 || hidden.Sent != 5 {
		t.Errorf("5 rows sent, none seen: %v", err)
	}
}
