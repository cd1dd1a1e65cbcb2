package testkit

import (
	"os"
	"os/exec"
	"testing"
)

// Command returns the path of a program that the system has from a Debian package. Where
// it is absent the test is skipped, and in CI, where CI is set, it fails.
func Command(tb testing.TB, name, pkg string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		tb.Fatalf("%s is not there: apt-get install %s", name, pkg)
	default:
		tb.Skipf("%s is not there: apt-get install %s", name, pkg)
	}
	return path
}
