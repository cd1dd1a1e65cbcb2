//go:build unix

package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFile(t *testing.T) {
	t.Parallel()
	// place makes folders and a file below a new one, and changes one of them.
	place := func(t *testing.T, part string, mode fs.FileMode) string {
		t.Helper()
		dir := t.TempDir()
		file := filepath.Join(dir, "a", "b", "file")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if part != "" {
			if err := os.Chmod(filepath.Join(dir, part), mode); err != nil {
				t.Fatal(err)
			}
		}
		return file
	}
	for name, tc := range map[string]struct {
		part string
		mode fs.FileMode
		why  string
		do   string
	}{
		"as usual":                      {"", 0, "", ""},
		"read-only":                     {"a/b/file", 0o444, "", ""},
		"written by everyone":           {"a/b/file", 0o666, "everyone", "chmod go-w"},
		"its folder":                    {"a/b", 0o777, "everyone", "chmod go-w"},
		"a folder above":                {"a", 0o777, "everyone", "chmod go-w"},
		"a folder where names are safe": {"a", 0o777 | fs.ModeSticky, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := place(t, tc.part, tc.mode)
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(file, link); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{file, link, filepath.Dir(file) + "/../b/file"} {
				err := File(path)
				var doubt *Error
				if tc.why == "" && err != nil || tc.why != "" && (!errors.As(err, &doubt) || !strings.Contains(doubt.Why, tc.why) || !strings.HasPrefix(doubt.Do, tc.do)) {
					t.Errorf("%s: %v, want %q", path, err, tc.why)
				}
			}
		})
	}
	if err := File(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// entry is what others may own, without being root to make it.
type entry struct {
	fs.FileInfo
	mode     fs.FileMode
	uid, gid uint32
}

func (e entry) Mode() fs.FileMode { return e.mode }
func (e entry) Sys() any          { return &syscall.Stat_t{Uid: e.uid, Gid: e.gid} }

func TestDoubts(t *testing.T) {
	t.Parallel()
	me, shared := user{uid: 1000, gid: 1000}, user{uid: 1000, gid: 100}
	for name, tc := range map[string]struct {
		user user
		of   entry
		want bool
	}{
		"mine":                                   {me, entry{mode: 0o644, uid: 1000, gid: 1000}, false},
		"root's":                                 {me, entry{mode: 0o644}, false},
		"somebody's":                             {me, entry{mode: 0o600, uid: 1001, gid: 1001}, true},
		"somebody's folder, sticky":              {me, entry{mode: fs.ModeDir | fs.ModeSticky | 0o755, uid: 1001}, true},
		"somebody's link":                        {me, entry{mode: fs.ModeSymlink | 0o777, uid: 1001}, true},
		"a link of mine":                         {me, entry{mode: fs.ModeSymlink | 0o777, uid: 1000}, false},
		"a group's, of which I am the only one":  {me, entry{mode: 0o664, uid: 1000, gid: 1000}, false},
		"a group's, in which others are":         {me, entry{mode: 0o664, uid: 1000, gid: 50}, true},
		"a shared group's, which is my first":    {shared, entry{mode: 0o664, uid: 1000, gid: 100}, true},
		"a group's folder, in which others are":  {me, entry{mode: fs.ModeDir | 0o775, uid: 0, gid: 50}, true},
		"root's group's":                         {me, entry{mode: 0o664, uid: 0, gid: 0}, false},
		"the temporary folder":                   {me, entry{mode: fs.ModeDir | fs.ModeSticky | 0o777}, false},
		"a file whose sticky bit means nothing":  {me, entry{mode: fs.ModeSticky | 0o666, uid: 1000}, true},
		"mine, but I am another user for a time": {user{uid: 0, gid: 0}, entry{mode: 0o644, uid: 1000, gid: 1000}, true},
	} {
		if why, todo := tc.user.doubts(tc.of); (why != "") != tc.want || (todo != "") != tc.want {
			t.Errorf("%s: %q, %q", name, why, todo)
		}
	}
}

func TestOthersRead(t *testing.T) {
	t.Parallel()
	me := user{uid: 1000, gid: 1000}
	for _, c := range []struct {
		mode fs.FileMode
		gid  uint32
		want bool
	}{
		{0o600, 50, false}, {0o400, 0, false},
		{0o440, 0, false},    // systemd's credential: root's, with an access list
		{0o440, 1000, false}, // Kubernetes' secret: the pod's own group
		{0o440, 50, true}, {0o604, 0, true}, {0o644, 1000, true},
	} {
		if got := me.othersRead(entry{mode: c.mode, gid: c.gid}); got != c.want {
			t.Errorf("%o of group %d: %v", c.mode, c.gid, got)
		}
	}
}
