package lease

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// stat is a process's line in /proc, of a program with an awkward name.
func stat(state, start string) []byte {
	return []byte("7 (a) b (c) " + state + " 1 7 7 0 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 " + start + " 1000 100\n")
}

// Only what is surely gone is taken for dead: neither a process that /proc
// hides, as it does under hidepid and ProcSubset=pid, nor one whose line in it
// says nothing.
func TestEnded(t *testing.T) {
	t.Parallel()
	const here, process = "boot/pid:[1]", "boot/pid:[1] 7 12345"
	for name, tc := range map[string]struct {
		process string
		kernel  string
		probe   error
		stat    []byte
		statErr error
		want    bool
	}{
		"alive":                                  {process, here, nil, stat("S", "12345"), nil, false},
		"alive, another user's":                  {process, here, syscall.EPERM, stat("S", "12345"), nil, false},
		"gone":                                   {process, here, syscall.ESRCH, nil, fs.ErrNotExist, true},
		"gone, and /proc is not there":           {process, here, syscall.ESRCH, nil, fs.ErrPermission, true},
		"its id is another's now":                {process, here, nil, stat("S", "99999"), nil, true},
		"its id is another user's now":           {process, here, syscall.EPERM, stat("S", "99999"), nil, true},
		"a zombie":                               {process, here, nil, stat("Z", "12345"), nil, true},
		"hidden (hidepid)":                       {process, here, syscall.EPERM, nil, fs.ErrNotExist, false},
		"hidden, ours":                           {process, here, nil, nil, fs.ErrNotExist, false},
		"may not be read":                        {process, here, syscall.EPERM, nil, fs.ErrPermission, false},
		"its line is cut":                        {process, here, nil, []byte("7 (a"), nil, false},
		"its line is empty":                      {process, here, nil, nil, nil, false},
		"the question itself fails":              {process, here, syscall.EINVAL, nil, fs.ErrNotExist, false},
		"another boot or namespace":              {process, "boot/pid:[2]", syscall.ESRCH, nil, fs.ErrNotExist, false},
		"no /proc to tell the boot here":         {process, "", syscall.ESRCH, nil, fs.ErrNotExist, false},
		"nothing is known of it":                 {"", here, syscall.ESRCH, nil, fs.ErrNotExist, false},
		"its id means a group, or every process": {"boot/pid:[1] -1 12345", here, syscall.ESRCH, nil, fs.ErrNotExist, false},
	} {
		m := machine{tc.kernel, func(int) error { return tc.probe }, func(int) ([]byte, error) { return tc.stat, tc.statErr }}
		if got := endedOn(m, tc.process); got != tc.want {
			t.Errorf("%s: ended %v, want %v", name, got, tc.want)
		}
	}
}

// A living run of another user, asked after by one to whom /proc shows only its
// own processes.
func TestHiddenProcessLives(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || exec.CommandContext(t.Context(), "unshare", "-m", "mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc").Run() != nil {
		t.Skip("needs root and mount namespaces; TestEnded asserts the same of a /proc of its own")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "asks")
	raw, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(program, raw, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	ask := func(process string) string {
		cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c",
			`mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0"`, program)
		cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), endedEnv + "=" + process}, "/"
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			errors.As(err, &exit)
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		return string(out)
	}
	if got := ask(self().process); got != "false" {
		t.Errorf("this very process: ended %s", got)
	}
	dead := exec.CommandContext(t.Context(), "true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	// A kernelID holds no space.
	if got := ask(fmt.Sprintf("%s %d 12345", kernelID(), dead.Process.Pid)); got != "true" {
		t.Errorf("a process that is gone: ended %s", got)
	}
}
