package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// standstillEnv makes a test's program the process of it that is stopped.
const standstillEnv = "RAWLOGS_TEST_STANDSTILL"

// Standstill runs wait in a process of its own, which is stopped (SIGSTOP) for that time
// as soon as it calls ready, and returns how long wait took in all, by the clock.
// The calling test has no subtests: the process is the test's program, run for it alone.
func Standstill(tb testing.TB, stopped time.Duration, wait func(ready func())) time.Duration {
	tb.Helper()
	if os.Getenv(standstillEnv) != "" {
		begin := time.Now()
		wait(func() { fmt.Println("ready") })
		fmt.Println(time.Since(begin))
		os.Exit(0) // this process has nothing else to do
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+tb.Name()+"$")
	cmd.Env = append(os.Environ(), standstillEnv+"=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
		}
	})
	var ready, took string
	if _, err = fmt.Fscan(out, &ready); err != nil || ready != "ready" {
		tb.Fatalf("%q, %v, %s", ready, err, errs.Bytes())
	}
	if err = unix.Kill(cmd.Process.Pid, unix.SIGSTOP); err != nil {
		tb.Fatal(err)
	}
	time.Sleep(stopped) // the time for which it is stopped is the test
	if err = unix.Kill(cmd.Process.Pid, unix.SIGCONT); err != nil {
		tb.Fatal(err)
	}
	if _, err = fmt.Fscan(out, &took); err != nil {
		tb.Fatalf("%v, %s", err, errs.Bytes())
	}
	if err = cmd.Wait(); err != nil {
		tb.Fatalf("%v, %s", err, errs.Bytes())
	}
	whole, err := time.ParseDuration(took)
	if err != nil {
		tb.Fatal(err)
	}
	return whole
}
