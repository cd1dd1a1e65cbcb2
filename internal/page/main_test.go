package page

import (
	"testing"

	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
