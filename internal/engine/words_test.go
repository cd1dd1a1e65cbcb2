//go:build linux && amd64

package engine

import (
	"os"
	"strings"
	"testing"
)

// Of a crash its first line is shown, not the end of the stacks.
func TestLastWordsOfACrash(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]string{
		"Logging to x\nSIGILL: illegal instruction\nPC=0x7f m=0 sigcode=2\n\ngoroutine 1 [syscall]:\n" + strings.Repeat("a.go:1\n", 200): "logs/host.log: SIGILL: illegal instruction\n  logs/host.log: PC=0x7f m=0 sigcode=2\n  logs/host.log: this processor lacks an instruction",
		"fatal error: out of memory\n\ngoroutine 1:\n" + strings.Repeat("a.go:1\n", 200):                                                 "logs/host.log: fatal error: out of memory\n",
		"one\ntwo\n": "logs/host.log: one\n  logs/host.log: two",
	} {
		f, err := openFolder(t.TempDir(), false)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.file(hostLog), []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := f.lastWords(); !strings.HasPrefix(got, "  "+want) {
			t.Errorf("%.40q: %s", log, got)
		}
	}
}
