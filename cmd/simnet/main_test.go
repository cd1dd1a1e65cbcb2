package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"rawlogs/internal/testkit"
)

// TestMain lets the test binary stand in for the command.
func TestMain(m *testing.M) {
	if os.Getenv("SIMNET_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestServe(t *testing.T) {
	t.Parallel()
	gateway, err := testkit.Tool("versitygw")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ready, env := filepath.Join(dir, "ready.json"), filepath.Join(dir, "simnet.env")
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(os.Args[0], "--start", "20160909", "--days", "1", "--rows-per-hour", "10", "--real-conversions", "--hijackers", "1", "--flooders", "2",
		"--versitygw", gateway, "--data", filepath.Join(dir, "s3"), "--ready-file", ready, "--env-file", env, "--late-after", "1ms")
	cmd.Env = append(os.Environ(), "SIMNET_TEST_MAIN=1", "SIMNET_TOKEN=canary-token")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	text := await(t, func() ([]byte, error) { return os.ReadFile(ready) })
	var a addresses
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(env); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the env file: %v, %v", info.Mode(), err)
	}
	exports, err := os.ReadFile(env)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"export HASOFFERS_NETWORK_TOKEN='canary-token'\n", "export HASOFFERS_API_URL='" + a.API + "'\n", "export AWS_SECRET_ACCESS_KEY='"} {
		if !strings.Contains(string(exports), want) {
			t.Errorf("the env file lacks %s", want)
		}
	}
	var out, errs bytes.Buffer
	health := strings.TrimSuffix(strings.TrimPrefix(a.Control, "http://"), "/control/")
	if status := run(t.Context(), []string{"health", "--addr", health}, &out, &errs, os.Getenv); status != exitDone {
		t.Errorf("health: %d %s", status, errs.String())
	}
	await(t, func() ([]byte, error) {
		resp, err := http.Get(a.API + "?NetworkId=11111&NetworkToken=canary-token&Target=RawLog&Method=listLogs&log_type=clicks&date_dir=20160909")
		if err != nil {
			return nil, err
		}
		defer func() { _ = resp.Body.Close() }()
		var r struct {
			Response struct{ Data struct{ LogFiles []any } }
		}
		if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
			return nil, backoff.Permanent(err)
		}
		if len(r.Response.Data.LogFiles) != 24 {
			return nil, os.ErrNotExist // the late one is not there yet
		}
		return nil, nil
	})
	resp, err := http.Get(a.Control + "truth")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var truth struct {
		Planted struct{ Hijackers, Flooders []int }
	}
	if err := json.NewDecoder(resp.Body).Decode(&truth); err != nil || len(truth.Planted.Hijackers) != 1 || len(truth.Planted.Flooders) != 2 {
		t.Errorf("who cheats: %+v, %v", truth, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, stderr.String())
	}
	if err := syscall.Kill(a.S3PID, 0); a.S3PID == 0 || err == nil {
		t.Errorf("the S3 server %d outlived it", a.S3PID)
	}
	for _, path := range []string{ready, env} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s stayed", path)
		}
	}
	if all := stdout.String() + stderr.String(); strings.Contains(all, "canary-token") || !strings.Contains(all, a.API) {
		t.Errorf("output:\n%s", all)
	}
}

func await(t *testing.T, op func() ([]byte, error)) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	text, err := backoff.Retry(ctx, op, backoff.WithBackOff(backoff.NewConstantBackOff(20*time.Millisecond)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--days", "0"}, "--days 0"},
		{[]string{"--start", "yesterday"}, "want a day as 20160909"},
		{[]string{"--zone", "Mars"}, "IANA"},
		{[]string{"--hijackers", "-1"}, "--hijackers -1"},
		{[]string{"--hijackers", "30", "--flooders", "30"}, "want 0 to 50"},
		{[]string{"--nothing"}, "unknown flag"},
		{[]string{"extra"}, "extra"},
		{[]string{"--s3-endpoint", "http://127.0.0.1:1"}, "AWS_ACCESS_KEY_ID"},
	} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), tc.args, &out, &errs, func(string) string { return "" }); status != exitUsage || !strings.Contains(errs.String(), tc.want) {
			t.Errorf("%v: %d %s", tc.args, status, errs.String())
		}
	}
}
