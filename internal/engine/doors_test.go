//go:build linux && amd64

package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPorts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	if ours, others, err := listening(taken); !ours || others || err != nil {
		t.Errorf("listening on our own port: %v, %v, %v", ours, others, err)
	}
	path := t.TempDir()
	for _, cfg := range []Config{{TCPPort: taken}, {HTTPPort: taken}} {
		cfg.Path = path
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	free, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	e := mustOpen(t, Config{Path: path, TCPPort: free[0], HTTPPort: free[1], Password: "sérvé <&'\""})
	if want := fmt.Sprintf("127.0.0.1:%d", free[0]); e.Endpoint().Addr != want {
		t.Errorf("listens on %s, want %s", e.Endpoint().Addr, want)
	}
	mustQuery(t, e, "SELECT 1")
	if ours, others, err := listening(free[0]); ours || !others || err != nil {
		t.Errorf("listening on the server's port: %v, %v, %v", ours, others, err)
	}
	var busy *BusyError
	for _, cfg := range []Config{{TCPPort: taken}, {HTTPPort: taken}, {Password: "other"}} {
		cfg.Path = path
		if _, err := Open(t.Context(), cfg); !errors.As(err, &busy) || busy.PID != e.PID() {
			t.Errorf("attaching with other wishes: %v", err)
		}
	}
	mustOpen(t, Config{Path: path, TCPPort: free[0], Password: "sérvé <&'\""})
}

// Where /proc shows processes only (ProcSubset=pid of systemd), the engine
// opens as anywhere: it asks its own files who listens, which TestPorts asserts
// everywhere.
func TestProcHidden(t *testing.T) {
	t.Parallel()
	const mount = "mount -t proc -o subset=pid proc /proc"
	if os.Geteuid() != 0 || exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", mount).Run() != nil {
		t.Skip("needs root and mount namespaces")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", mount+` && exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), userEnv+"="+filepath.Join(t.TempDir(), "store"))
	out, err := cmd.Output() // its standard input is at its end: it opens and closes
	if err != nil || !strings.HasPrefix(string(out), "open ") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestPasswordIsAsked(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, Config{Path: t.TempDir()})
	mustQuery(t, e, "CREATE TABLE rawlogs.secret (n UInt8) ENGINE = MergeTree ORDER BY n")
	base := "http://" + e.Endpoint().HTTPAddr + "/?query="
	for name, headers := range map[string]map[string]string{
		"wrong password": {"X-ClickHouse-User": e.Endpoint().User, "X-ClickHouse-Key": "wrong"},
		"no password":    {"X-ClickHouse-User": e.Endpoint().User},
		"default user":   {}, // has no password, and no session left: see TestNobodyIsTheDefaultUser
	} {
		for _, query := range []string{
			"SELECT * FROM rawlogs.secret", "SELECT * FROM file('/etc/passwd', LineAsString)",
			"DROP DATABASE rawlogs", "KILL QUERY WHERE 1", "SYSTEM SHUTDOWN", "SELECT * FROM url('http://127.0.0.1/', LineAsString)",
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+url.QueryEscape(query), nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range headers {
				req.Header.Set(k, v)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if text := string(body); !strings.Contains(text, "Code: 516") && !strings.Contains(text, noSession) {
				t.Errorf("%s: %s: HTTP status %d, %s", name, query, resp.StatusCode, text)
			}
		}
	}
	// Junk and a client that goes away must not bring the server down.
	for _, junk := range []string{"", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("\xff", 4096)} {
		conn, err := net.Dial("tcp", e.Endpoint().Addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, junk)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	mustQuery(t, e, "SELECT 1")
}

func TestSecrets(t *testing.T) {
	const canary = "canary-of-a-token"
	t.Setenv("HASOFFERS_NETWORK_TOKEN", canary)
	path := t.TempDir()
	e := mustOpen(t, Config{Path: path})
	password := e.Endpoint().Password
	for _, name := range []string{"environ", "cmdline"} {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", e.PID(), name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), canary) || strings.Contains(string(raw), password) {
			t.Errorf("%s of the host holds a secret", name)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", e.Endpoint(), e.Endpoint(), e.Endpoint(), e.Endpoint()); strings.Contains(text, password) {
		t.Errorf("the endpoint prints its password: %s", text)
	}
	err := filepath.WalkDir(path, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		ours := filepath.Base(name) == endpointFile || filepath.Base(name) == passwordFile
		if strings.Contains(string(raw), password) && (!ours || info.Mode().Perm() != 0o600) {
			t.Errorf("%s (%v) holds the password", name, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
