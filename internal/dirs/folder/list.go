// Package folder is a folder on this machine as a source of raw logs.
package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/listing"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Source reads the files below a folder, at any depth. A file's Path is its path
// from the folder with forward slashes, and its ETag stands for its modification time.
//
// Symbolic links are followed where they stay below the folder. One that leads out
// of it is named in a *dirs.Incomplete, as what is behind it would be missing silently.
type Source struct {
	root    string
	names   *rawlog.Names
	skipped dirs.Skipped
}

// New returns the folder at root as a source of files with the network's own names;
// it does no I/O.
func New(root string, skipped dirs.Skipped) *Source { return NewNamed(root, nil, skipped) }

// NewNamed is New for files that also have other names.
func NewNamed(root string, names *rawlog.Names, skipped dirs.Skipped) *Source {
	return &Source{root: root, names: names, skipped: skipped}
}

// Name is the folder's path as it was given.
func (s *Source) Name() string { return s.root }

// Retention knows nothing: a folder keeps files until somebody removes them.
func (s *Source) Retention(context.Context) (map[rawlog.Type]int, error) {
	return map[rawlog.Type]int{}, nil
}

// Walk implements dirs.Source. A folder that cannot be read is an error: what is in
// it would be missing silently.
func (s *Source) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	var n *listing.Named
	err := s.walk(ctx, func(root below) {
		n = listing.NewNamed(s.names, types, periods, s.skipped, root.same)
	}, func(root below, path, name string, d fs.DirEntry) error { return root.visit(n, path, name, d) })
	if err != nil {
		return err
	}
	return n.Yield(ctx, yield)
}

// walk visits all that is no folder. Its error is about the run.
func (s *Source) walk(ctx context.Context, begin func(root below), visit func(root below, path, name string, d fs.DirEntry) error) error {
	root, err := filepath.EvalSymlinks(s.root)
	if err == nil {
		_, err = os.ReadDir(root) // WalkDir is content with a file
	}
	if err == nil {
		begin(below(root))
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return visit(below(root), path, filepath.ToSlash(rel), d)
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return dirs.OfRun(fmt.Errorf("listing folder %s: %w", plain.Name(s.root), escaped(err)))
	}
	return nil
}

// Each lists every file below the folder, whatever its name, and tells refuse of what
// cannot be read as one. Its error is about the run.
func (s *Source) Each(ctx context.Context, take func(name string, size int64, etag string, modified time.Time), refuse func(name string, why error)) error {
	return s.walk(ctx, func(below) {}, func(root below, path, name string, d fs.DirEntry) error {
		if is, outside := root.linksFolder(path, d); is {
			if outside != nil {
				refuse(name, outside)
			}
			return nil
		}
		info, wrong, err := root.info(d, path, name)
		switch {
		case err != nil:
			return err
		case wrong != nil:
			refuse(name, wrong)
		case info != nil:
			take(name, info.Size(), tagOf(info), info.ModTime())
		}
		return nil
	})
}

// below is the real path of a folder that is walked.
type below string

// visit takes note of what is at path and no folder.
func (root below) visit(n *listing.Named, path, name string, d fs.DirEntry) error {
	if is, outside := root.linksFolder(path, d); is {
		if outside != nil {
			n.Refuse(rawlog.File{Name: name, Size: -1}, outside)
		}
		return nil
	}
	f, ok := n.File(name)
	if !ok {
		return nil
	}
	info, wrong, err := root.info(d, path, name)
	switch {
	case err != nil:
		return err
	case wrong != nil:
		n.Wrong(f, wrong)
	case info != nil:
		f.Size, f.ETag = info.Size(), tagOf(info)
		n.Take(f, info.ModTime())
	}
	return nil
}

// info is what is at a path, or why it cannot be read as a file: it is a pipe, or a link to
// nothing or out of the folder. Nothing at all was removed just now. An error ends the walk.
// Only a link is resolved, as a walk follows none: for a plain file that would ask for each
// folder above it again.
func (root below) info(d fs.DirEntry, path, name string) (info fs.FileInfo, wrong, err error) {
	if d.Type().IsRegular() {
		info, err = d.Info()
	} else {
		_, info, err = resolve(string(root), name)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, err
	case errors.Is(err, fs.ErrNotExist):
		if _, lerr := os.Lstat(path); lerr == nil {
			return nil, errors.New("it is a symbolic link to nothing"), nil
		}
		return nil, nil, nil
	}
	return info, err, nil
}

// linksFolder reports whether a symbolic link leads to a folder. One below the
// root is walked in its own place; one outside comes with an error.
func (root below) linksFolder(path string, d fs.DirEntry) (is bool, outside error) {
	if d.Type()&fs.ModeSymlink == 0 {
		return false, nil
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return false, nil //nolint:nilerr // whatever else is there is looked at as a file
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		target, err = filepath.Rel(string(root), target)
	}
	if err != nil || !filepath.IsLocal(target) { //guard:linked-folder-named
		return true, errors.New("a symbolic link to a folder outside the source is not followed: make that folder a source of its own, or mount it here")
	}
	return true, nil
}

// chunk is how much of two files is compared at a time.
const chunk = 64 << 10

// same compares two files byte by byte.
func (root below) same(ctx context.Context, a, b rawlog.File) (equal bool, err error) {
	left, err := root.open(a)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, left.Close()) }()
	right, err := root.open(b)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, right.Close()) }()
	one, other := make([]byte, chunk), make([]byte, chunk)
	for {
		n, err := io.ReadFull(left, one)
		m, err2 := io.ReadFull(right, other)
		if !bytes.Equal(one[:n], other[:m]) {
			return false, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		for _, e := range []error{err, err2} {
			if e != nil && !errors.Is(e, io.EOF) && !errors.Is(e, io.ErrUnexpectedEOF) {
				return false, fmt.Errorf("comparing copies: %w", escaped(e))
			}
		}
		if err != nil {
			return err2 != nil, nil
		}
	}
}

func (root below) open(f rawlog.File) (*os.File, error) {
	file, err := os.Open(filepath.Join(string(root), filepath.FromSlash(f.Path)))
	if err != nil {
		return nil, fmt.Errorf("comparing copies: %w", escaped(err))
	}
	return file, nil
}

// escaped makes the path in a file system's error printable.
func escaped(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && plain.Name(p.Path) != p.Path {
		return fmt.Errorf("%s %s: %w", p.Op, strings.ToValidUTF8(plain.Name(p.Path), "?"), p.Err)
	}
	return err
}
