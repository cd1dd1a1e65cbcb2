package status_test

import (
	"testing"

	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
