package version

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	vcs := func(main, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: main}, Settings: []debug.BuildSetting{
			{Key: "vcs.modified", Value: modified}, {Key: "vcs.revision", Value: "fdc0b66a1b2c3d4e5f60718293a4b5c6d7e8f901"}}}
	}
	for _, c := range []struct {
		info                             *debug.BuildInfo
		release, commit                  string
		wantVersion, wantCommit, comment string
	}{
		{&debug.BuildInfo{}, "", "", "devel", "unknown", "nothing is known"},
		{vcs("(devel)", "false"), "", "", "devel", "fdc0b66a1b2c", "a checkout, built without stamping the version"},
		{vcs("v0.0.0-20261127-fdc0b66a1b2c", "true"), "", "", "v0.0.0-20261127-fdc0b66a1b2c", "fdc0b66a1b2c+changes", "a checkout with changes"},
		{&debug.BuildInfo{}, "1.2.3", "abcdef012345", "1.2.3", "abcdef012345", "a release"},
		{vcs("v9", "true"), "1.2.3", "abcdef012345", "1.2.3", "abcdef012345", "a release, built where there is another repository"},
	} {
		if got := of(c.info, c.release, c.commit); got.Version != c.wantVersion || got.Commit != c.wantCommit {
			t.Errorf("%s: %s, want %s %s", c.comment, got, c.wantVersion, c.wantCommit)
		}
	}
	if got := Get(); got.Version == "" || got.Commit == "" || got.Go == "" || got.Platform == "" {
		t.Errorf("this build is %+v", got)
	}
}
