package lease

import (
	"fmt"
	"os"
	"testing"

	"rawlogs/internal/testkit"
)

// endedEnv makes the test binary say what it takes a process for.
const endedEnv = "LEASE_TEST_ENDED"

func TestMain(m *testing.M) {
	if process := os.Getenv(endedEnv); process != "" {
		fmt.Print(ended(process))
		os.Exit(0)
	}
	testkit.Main(m)
}
