package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	const changelog = "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.2.3] - 2026-11-27\n\n### Added\n\n- this\n\n## [1.2.2]\n\n## [1.2] - 2026\n\n- old\n"
	for version, want := range map[string]string{"1.2.3": "### Added\n\n- this\n", "1.2": "- old\n", "Unreleased": "- new\n"} {
		if got, err := notesOf(changelog, version); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
	for _, version := range []string{"1.2.2", "1.2.4", "", "1"} {
		if got, err := notesOf(changelog, version); err == nil {
			t.Errorf("%s: %q; want an error", version, got)
		}
	}
}

// TestRelease makes a release for linux/amd64 twice, compares the two, and installs,
// runs and removes its packages in folders of their own.
func TestRelease(t *testing.T) {
	for tool, pkg := range map[string]string{"dpkg": "dpkg", "rpm": "rpm", "git": "git", "man": "man-db", "systemctl": "systemd"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing: apt-get install %s", tool, pkg)
			}
			t.Skipf("needs %s: apt-get install %s", tool, pkg)
		}
	}
	t.Chdir(filepath.Join("..", ".."))
	if _, err := os.Stat("bin/cyclonedx-gomod"); err != nil {
		t.Fatal(err) // `make bin/release` builds it
	}
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "another")
	for _, dir := range []string{one, two} {
		if err := build(t.Context(), "1.2.3", dir, []string{"linux/amd64"}); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "diff", "-r", one, two)
	sums := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = one
	if out, err := sums.CombinedOutput(); err != nil || strings.Count(string(out), "OK") != 4 {
		t.Errorf("%s, %v", out, err)
	}
	if parts, err := os.ReadFile(filepath.Join(one, "ingest-1.2.3-linux-amd64.cdx.json")); err != nil || !strings.Contains(string(parts), "pkg:golang/github.com/spf13/cobra@") {
		t.Errorf("the list of parts has no cobra: %v", err)
	}

	unpacked := t.TempDir()
	must(t, "tar", "-xzf", filepath.Join(one, "ingest-1.2.3-linux-amd64.tar.gz"), "-C", unpacked)
	check(t, filepath.Join(unpacked, "ingest-1.2.3-linux-amd64"), "ingest", "man/man1", "completion/ingest.bash")

	// The page's own commands, as root would give them on a machine of each kind.
	blocks := commands(t)
	for kind, run := range map[string][]string{"deb": {blocks[0], blocks[2]}, "rpm": {blocks[1], blocks[2]}} {
		root := t.TempDir()
		for _, block := range run {
			if strings.Contains(block, "sudoedit") {
				installed(t, root)
			}
			onMachine(t, root, one, block)
		}
		conf := filepath.Join(root, "etc/ingest/ingest.yaml")
		edited, err := os.ReadFile(conf)
		if err != nil || !strings.Contains(string(edited), "\nnetwork_id: acme\n") {
			t.Fatalf("%s: %s, %v", kind, edited, err)
		}
		if _, err := os.Lstat(filepath.Join(root, "etc/systemd/system/timers.target.wants/ingest.timer")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if kind == "rpm" {
			must(t, "rpm", "--root", root, "--nodeps", "--noscripts", "-e", "ingest")
			removed(t, root, conf+".rpmsave", string(edited))
			continue
		}
		dpkg := []string{"--instdir=" + root, "--admindir=" + filepath.Join(root, "var/lib/dpkg"), "--force-depends", "--force-script-chrootless", "--log=/dev/null"}
		must(t, "dpkg", append(dpkg, "-r", "ingest")...)
		removed(t, root, conf, string(edited))
		must(t, "dpkg", append(dpkg, "-P", "ingest")...)
		if _, err := os.Stat(conf); err == nil {
			t.Error("the settings are there after a purge")
		}
	}
}

// commands are those of docs/operations.md for a release: what both kinds of machine do
// first, what one of RPMs does instead of installing a .deb, and what both do last. The
// others of the page are run by TestOperations in cmd/ingest.
func commands(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Releases\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for _, block := range regexp.MustCompile("(?s)\n```sh\n(.*?)```\n").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, block[1])
	}
	if len(blocks) != 3 {
		t.Fatalf("found %d blocks of commands in docs/operations.md, Releases", len(blocks))
	}
	return blocks
}

// onMachine runs commands in the folder of a release; what they change of the machine is
// below root, by the stand-ins of TestOperations.
func onMachine(t *testing.T, root, release, commands string) {
	t.Helper()
	standIns, err := filepath.Abs("cmd/ingest/testdata/operations")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", commands)
	cmd.Dir = release
	cmd.Env = append(os.Environ(), "PATH="+standIns+":"+os.Getenv("PATH"), "ROOT="+root, "EDITOR=sed -i s/^#.network_id/network_id/")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, commands, out)
	}
}

// installed checks what a package has put below a folder.
func installed(t *testing.T, root string) {
	t.Helper()
	check(t, root, "usr/bin/ingest", "usr/share/man/man1", "usr/share/bash-completion/completions/ingest")
	for _, name := range []string{"etc/ingest/ingest.yaml", "usr/lib/systemd/system/ingest.service", "usr/lib/systemd/system/ingest.timer", "usr/lib/sysusers.d/ingest.conf",
		"usr/share/zsh/site-functions/_ingest", "usr/share/fish/vendor_completions.d/ingest.fish", "usr/share/doc/ingest/README.md"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	// Its settings are such as the program reads.
	out := must(t, filepath.Join(root, "usr/bin/ingest"), "schema", "print", "--config", filepath.Join(root, "etc/ingest/ingest.yaml"))
	if !strings.Contains(out, "CREATE TABLE") {
		t.Errorf("schema print: %s", out)
	}
}

// removed checks that a package has left nothing but the settings that were changed.
func removed(t *testing.T, root, settings, edited string) {
	t.Helper()
	for _, name := range []string{"usr/bin/ingest", "usr/lib/systemd/system/ingest.timer", "usr/share/man/man1/ingest.1"} {
		if _, err := os.Stat(filepath.Join(root, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if text, err := os.ReadFile(settings); err != nil || string(text) != edited {
		t.Errorf("the settings that were changed: %q, %v", text, err)
	}
}

// check runs the program, and looks at its man pages and completion.
func check(t *testing.T, root, program, man, completion string) {
	t.Helper()
	program = filepath.Join(root, program)
	commit := strings.TrimSpace(must(t, "git", "rev-parse", "--short=12", "HEAD"))
	if out := must(t, program, "version"); !strings.HasPrefix(out, "ingest 1.2.3 "+commit+" (go") {
		t.Errorf("ingest version: %q", out)
	}
	if page := must(t, "man", "--warnings", "-l", filepath.Join(root, man, "ingest-run.1")); !strings.Contains(page, "--lookback") {
		t.Errorf("the man page of ingest run: %s", page)
	}
	must(t, "bash", "-n", filepath.Join(root, completion))
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Symbols(); err == nil {
		t.Error("the program has its symbols")
	}
}

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
