package firehose_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/firehose"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
)

func TestHourOf(t *testing.T) {
	t.Parallel()
	modified := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, want := range map[string]string{
		"2026/11/27/09/stream-1-2026-11-27-09-30-00-0f1e2d3c": "2026-11-27 09", "2026-11-27T10/x.gz": "2026-11-27 10", "x-20261127T1130.json": "2026-11-27 11",
		"a-1473411600-b.json": "2016-09-09 09", "year=2026/month=11/day=27/x.gz": "2020-01-02 03", "x.json": "2020-01-02 03", "2026/13/27/09/x": "2020-01-02 03",
	} {
		if got := firehose.HourOf(name, modified).Format("2006-01-02 15"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"2026/11/27/09/a", "b-20261127-08.json.gz", "._c", "_SUCCESS", "d.tmp", ".hidden/e", "bad\x01name"} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("hello"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "z")); err != nil {
		t.Fatal(err)
	}
	skipped := 0
	src := firehose.New(folder.New(root, nil), func(string, error) { skipped++ })
	var got []string
	err := src.Walk(t.Context(), []rawlog.Type{rawlog.Clicks, rawlog.Conversions}, nil, func(f rawlog.File) error {
		got = append(got, fmt.Sprintf("%s %s %d", f.Type, f.Name, f.Hour.Hour()))
		return nil
	})
	var part *dirs.Incomplete
	if !errors.As(err, &part) || len(part.Files) != 2 {
		t.Errorf("%v", err)
	}
	want := []string{"clicks firehose/b-20261127-08.json.gz 8", "clicks firehose/2026/11/27/09/a 9", "conversions firehose/b-20261127-08.json.gz 8", "conversions firehose/2026/11/27/09/a 9"}
	if !slices.Equal(got, want) || skipped != 4 {
		t.Errorf("%q, %d skipped", got, skipped)
	}
	body, err := src.Open(t.Context(), rawlog.File{Name: "firehose/2026/11/27/09/a"}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); string(text) != "ello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := src.Open(t.Context(), rawlog.File{Name: "20160909/clicks-1473411600-SlY9UO.zip"}, 0, ""); dirs.KindOf(err) != dirs.NotFound {
		t.Errorf("a raw log: %v", err)
	}
	if src.Name() != "firehose:"+root || strings.Contains(src.Name(), "\n") {
		t.Error(src.Name())
	}
}
