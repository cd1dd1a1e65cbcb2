package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// file is one file of an archive or package.
type file struct {
	from string // on this machine
	to   string
	mode fs.FileMode
}

// extraFiles are the man pages and completions, below a folder each.
func (r *release) extraFiles(man, bash, zsh, fish string) ([]file, error) {
	pages, err := filepath.Glob(filepath.Join(r.extras, "man", "*.1"))
	if err != nil || len(pages) == 0 {
		return nil, fmt.Errorf("%d man pages: %w", len(pages), errors.Join(err, fs.ErrNotExist))
	}
	files := []file{
		{filepath.Join(r.extras, "ingest.bash"), bash, 0o644},
		{filepath.Join(r.extras, "_ingest"), zsh, 0o644},
		{filepath.Join(r.extras, "ingest.fish"), fish, 0o644},
	}
	for _, page := range pages {
		files = append(files, file{page, filepath.Join(man, filepath.Base(page)), 0o644})
	}
	return files, nil
}

// archive writes the tar.gz of a platform: the same bytes for the same commit.
func (r *release) archive(name, program string) (err error) {
	top := fmt.Sprintf("ingest-%s-%s", r.version, name)
	files, err := r.extraFiles("man/man1", "completion/ingest.bash", "completion/_ingest", "completion/ingest.fish")
	if err != nil {
		return err
	}
	files = append(files, file{program, "ingest", 0o755})
	for _, text := range []string{"README.md", "CHANGELOG.md", "LICENSE"} {
		if _, err := os.Stat(filepath.Join(r.tree, text)); err == nil {
			files = append(files, file{filepath.Join(r.tree, text), text, 0o644})
		}
	}
	slices.SortFunc(files, func(a, b file) int {
		if a.to < b.to {
			return -1
		}
		return 1
	})
	out, err := os.Create(filepath.Join(r.out, top+".tar.gz"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression) // its header has no time
	if err != nil {
		return err
	}
	t := tar.NewWriter(packed)
	for _, f := range files {
		raw, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		h := &tar.Header{Name: top + "/" + f.to, Mode: int64(f.mode), Size: int64(len(raw)), ModTime: r.time, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(raw); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), packed.Close())
}
