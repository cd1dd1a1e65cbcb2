// Package version says which build of ingest this is, in one form for
// `ingest version`, metrics and the rows of runs.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release and commit are set by the linker (-X) in builds for others: those are
// made from an exported tree, in an image as in `make release`, where Go finds no
// repository to read them from. Both are empty in a build of a checkout.
var release, commit string

// Info is which build this is. Its JSON names are a promise.
type Info struct {
	Version  string `json:"version"` // of a release, 1.2.3; else Go's name for the commit, or devel
	Commit   string `json:"commit"`  // 12 digits, and "+changes" where the checkout had some; or unknown
	Go       string `json:"go"`
	Platform string `json:"platform"` // linux/amd64
}

// String is one line for people.
func (i Info) String() string {
	return fmt.Sprintf("%s %s (%s, %s)", i.Version, i.Commit, i.Go, i.Platform)
}

// Get says which build is running.
func Get() Info {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(info, release, commit)
}

// of prefers what the linker was told to what Go saw of the repository.
func of(info *debug.BuildInfo, release, commit string) Info {
	i := Info{Version: release, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if i.Version == "" && info.Main.Version != "(devel)" {
		i.Version = info.Main.Version
	}
	var revision, changes string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	if i.Commit == "" && revision != "" {
		i.Commit = revision + changes
	}
	i.Version, i.Commit = cmp.Or(i.Version, "devel"), cmp.Or(i.Commit, "unknown")
	return i
}
