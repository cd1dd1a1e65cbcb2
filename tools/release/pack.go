package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers itself
)

// pack writes a package of a format that nfpm knows. It makes the user and starts
// nothing: that is the administrator's to decide.
func (r *release) pack(format, arch, program string) (err error) {
	from, err := r.extraFiles("/usr/share/man/man1", "/usr/share/bash-completion/completions/ingest", "/usr/share/zsh/site-functions/_ingest", "/usr/share/fish/vendor_completions.d/ingest.fish")
	if err != nil {
		return err
	}
	from = append(from, file{program, "/usr/bin/ingest", 0o755},
		file{filepath.Join(r.tree, "packaging/ingest.sysusers.conf"), "/usr/lib/sysusers.d/ingest.conf", 0o644})
	for _, unit := range []string{"ingest.service", "ingest.timer", "ingest-serve.service"} {
		from = append(from, file{filepath.Join(r.tree, "packaging", unit), "/usr/lib/systemd/system/" + unit, 0o644})
	}
	for _, text := range []string{"README.md", "CHANGELOG.md"} {
		from = append(from, file{filepath.Join(r.tree, text), "/usr/share/doc/ingest/" + text, 0o644})
	}
	var contents files.Contents
	for _, f := range from {
		contents = append(contents, &files.Content{Source: f.from, Destination: f.to, FileInfo: &files.ContentFileInfo{Mode: f.mode, MTime: r.time, Owner: "root", Group: "root"}})
	}
	contents = append(contents, &files.Content{
		Source: filepath.Join(r.tree, "packaging/ingest.yaml"), Destination: "/etc/ingest/ingest.yaml", Type: files.TypeConfigNoReplace,
		FileInfo: &files.ContentFileInfo{Mode: 0o644, MTime: r.time, Owner: "root", Group: "root"},
	})
	depends := map[string][]string{"deb": {"libc6"}, "rpm": {"glibc"}} // loaded, though built without cgo
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "ingest", Arch: arch, Platform: "linux", Version: r.version, Section: "database", MTime: r.time,
		Maintainer: "rawlogs", Description: "loads HasOffers raw logs into ClickHouse, each file exactly once", DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Depends: depends[format], Contents: contents,
			Scripts: nfpm.Scripts{PostInstall: filepath.Join(r.tree, "packaging/postinst"), PreRemove: filepath.Join(r.tree, "packaging/prerm"), PostRemove: filepath.Join(r.tree, "packaging/postrm")},
			RPM:     nfpm.RPM{BuildHost: "localhost", Summary: "loads HasOffers raw logs into ClickHouse"},
		},
	})
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(r.out, fmt.Sprintf("ingest-%s-%s.%s", r.version, arch, format)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return packager.Package(info, out)
}
