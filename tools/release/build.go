package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// release is one version of one commit.
type release struct {
	version string // 1.2.3
	commit  string // 12 digits
	time    time.Time
	tree    string // the commit's files, exported
	out     string
	extras  string // man pages and completions
}

var versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)

// build makes the release in a folder, which is emptied of nothing: what is made
// replaces what has its name.
func build(ctx context.Context, version, out string, platforms []string) (err error) {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("%q: want a version such as 1.2.3", version)
	}
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r := release{version: version, out: out, tree: filepath.Join(work, "tree"), extras: filepath.Join(work, "extras")}
	if err := errors.Join(os.MkdirAll(out, 0o755), r.export(ctx)); err != nil {
		return err
	}
	if err := r.makeExtras(ctx); err != nil {
		return err
	}
	for _, platform := range platforms {
		if err := r.platform(ctx, platform, work); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	return r.sums()
}

// export writes the commit's files, and nothing that is not committed, into the tree.
func (r *release) export(ctx context.Context) error {
	said, err := output(ctx, ".", nil, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(said), " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || len(commit) < 12 {
		return fmt.Errorf("git says the commit is %q", said)
	}
	r.commit, r.time = commit[:12], time.Unix(at, 0).UTC()
	if err := os.Mkdir(r.tree, 0o755); err != nil {
		return err
	}
	archive := filepath.Join(filepath.Dir(r.tree), "tree.tar")
	if _, err := output(ctx, ".", nil, "git", "archive", "--format=tar", "-o", archive, "HEAD"); err != nil {
		return err
	}
	_, err = output(ctx, r.tree, nil, "tar", "-xf", archive)
	return err
}

// compile builds the program. Nothing of this machine gets into it: neither a path, nor
// a build id, nor the state of a repository.
func (r *release) compile(ctx context.Context, platform, to string, args ...string) error {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return errors.New("want a platform such as linux/amd64")
	}
	flags := fmt.Sprintf("-s -w -buildid= -X rawlogs/internal/version.release=%s -X rawlogs/internal/version.commit=%s", r.version, r.commit)
	all := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", to}, args...)
	_, err := output(ctx, r.tree, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOOS=" + goos, "GOARCH=" + goarch, "GOAMD64=v1"}, "go", append(all, "./cmd/ingest")...)
	return err
}

// makeExtras has the program write its man pages and completions.
func (r *release) makeExtras(ctx context.Context) error {
	program := filepath.Join(filepath.Dir(r.tree), "documented")
	if _, err := output(ctx, r.tree, []string{"CGO_ENABLED=0", "GOFLAGS="}, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "man", "-o", program, "./cmd/ingest"); err != nil {
		return err
	}
	man := filepath.Join(r.extras, "man")
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	if _, err := output(ctx, r.tree, []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(r.time.Unix(), 10)}, program, "man", man); err != nil {
		return err
	}
	for shell, name := range map[string]string{"bash": "ingest.bash", "zsh": "_ingest", "fish": "ingest.fish"} {
		script, err := output(ctx, r.tree, nil, program, "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.extras, name), []byte(script), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// platform makes what there is for one platform.
func (r *release) platform(ctx context.Context, platform, work string) error {
	name := strings.ReplaceAll(platform, "/", "-")
	program := filepath.Join(work, name, "ingest")
	if err := r.compile(ctx, platform, program); err != nil {
		return err
	}
	if err := r.archive(name, program); err != nil {
		return err
	}
	if err := r.parts(ctx, name, program); err != nil {
		return err
	}
	goos, arch, _ := strings.Cut(platform, "/")
	if goos != "linux" {
		return nil
	}
	return errors.Join(r.pack("deb", arch, program), r.pack("rpm", arch, program))
}

// parts writes the list of the modules that a program was built from. make builds the
// tool beside this one.
func (r *release) parts(ctx context.Context, name, program string) error {
	to := filepath.Join(r.out, fmt.Sprintf("ingest-%s-%s.cdx.json", r.version, name))
	if _, err := output(ctx, ".", nil, filepath.Join("bin", "cyclonedx-gomod"), "bin", "-json", "-noserial", "-version", "v"+r.version, "-output", to, program); err != nil {
		return err
	}
	raw, err := os.ReadFile(to)
	if err != nil {
		return err
	}
	// It has the time of its making, which is the commit's in all else.
	raw = timestamp.ReplaceAll(raw, []byte(`"timestamp": "`+r.time.Format(time.RFC3339)+`"`))
	return os.WriteFile(to, raw, 0o644)
}

var timestamp = regexp.MustCompile(`"timestamp": "[^"]*"`)

// sums writes SHA256SUMS of all that is there.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Name() == "SHA256SUMS" || !e.Type().IsRegular() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(raw), e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(b.String()), 0o644)
}

// output runs a command and returns what it prints; env is added to the present one.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}
