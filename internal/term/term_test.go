package term

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestProgressSample(t *testing.T) {
	t.Parallel()
	p := Load{AllFiles: 10, Files: 5}
	if s := (sample{p, 10 * time.Second}); s.left() != "10s" || s.files() != "5/10" {
		t.Errorf("without sizes: %s, %s", s.left(), s.files())
	}
	p.AllBytes, p.Bytes, p.Failed = 400e6, 100e6, 1
	if s := (sample{p, 10 * time.Second}); s.left() != "30s" || s.speed() != "10.0 MB/s" || s.files() != "5/10 (1 failed)" {
		t.Errorf("with sizes: %s, %s, %s", s.left(), s.speed(), s.files())
	}
	if s := (sample{}); s.left() != "unknown" {
		t.Errorf("at the start: %s", s.left())
	}
}

func TestLogProgress(t *testing.T) {
	t.Parallel()
	out := make(lines, 10)
	log := slog.New(slog.NewTextHandler(NewRedirect(out), nil))
	stop := logProgress(log, func() Load { return Load{} }, time.NewTicker(time.Millisecond))
	if line := <-out; !strings.Contains(line, "files=0/0") {
		t.Errorf("logged %q", line)
	}
	go func() {
		for range out { // the ticker may be writing when it is stopped
		}
	}()
	stop()
	close(out)
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestSafeCSV(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"=1+1"`: `"'=1+1"`, `-5,"-5","+4.5e3","-x"`: `-5,"-5","+4.5e3","'-x"`, `"","a","a=1"`: `"","a","a=1"`,
		`"@x",\N,"x,=1","a""b","""=1"`: `"'@x",\N,"x,=1","a""b","""=1"`, "\"\t=1\",\"\r\",\"\n\"": "\"'\t=1\",\"'\r\",\"'\n\"",
		"\"＝1\"": "\"'＝1\"", `"open`: `"open`, "": "", "1,2": "1,2", `"-1,000.5"`: `"-1,000.5"`, `"-1+cmd|' /C calc'!A0"`: `"'-1+cmd|' /C calc'!A0"`,
	} {
		if got := SafeCSV(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
