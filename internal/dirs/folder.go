package dirs

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

	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
)

// Folder lists a folder on this machine, at any depth. A file's Path is its path
// from Root with forward slashes, and its ETag stands for its modification time.
//
// Symbolic links are followed where they stay below Root. One that leads out of it
// is named in an *Incomplete, as what is behind it would be missing silently.
type Folder struct {
	Root    string
	Skipped Skipped
}

// Walk implements Walker. A folder that cannot be read is an error: what is in
// it would be missing silently.
func (w Folder) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	root, err := filepath.EvalSymlinks(w.Root)
	if err == nil {
		_, err = os.ReadDir(root) // WalkDir is content with a file
	}
	n := collectNamed(types, periods, w.Skipped, below(root).same)
	if err == nil {
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || d.IsDir() {
				return err
			}
			return below(root).visit(n, path, d)
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("listing folder %s: %w", fetch.Printable(w.Root), escaped(err))
	}
	return n.yield(ctx, yield)
}

// below is the real path of a folder that is walked.
type below string

// visit takes note of what is at path and no folder.
func (root below) visit(n *named, path string, d fs.DirEntry) error {
	rel, err := filepath.Rel(string(root), path)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(rel)
	if d.Type()&fs.ModeSymlink != 0 && root.linkedFolder(n, path, name) {
		return nil
	}
	f, ok := n.file(name)
	if !ok {
		return nil
	}
	_, info, err := fetch.Folder(root).Resolve(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return err
	case errors.Is(err, fs.ErrNotExist):
		if _, lerr := os.Lstat(path); lerr == nil { // else it was removed just now
			n.wrong(f, errors.New("it is a symbolic link to nothing"))
		}
		return nil
	case err != nil: // a pipe, a link that leads out of the folder
		n.wrong(f, err)
		return nil
	}
	f.Size, f.ETag = info.Size(), fetch.FileTag(info)
	n.take(f, info.ModTime())
	return nil
}

// linkedFolder reports whether a symbolic link leads to a folder. One below the
// root is walked in its own place; one outside is named.
func (root below) linkedFolder(n *named, path, name string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		target, err = filepath.Rel(string(root), target)
	}
	if err != nil || !filepath.IsLocal(target) { //guard:linked-folder-named
		n.refuse(rawlog.File{Name: name, Size: -1}, errors.New("a symbolic link to a folder outside of the source is not followed: make that folder a source of its own, or mount it here"))
	}
	return true
}

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
	one, other := make([]byte, tailBytes), make([]byte, tailBytes)
	for {
		n, err := io.ReadFull(left, one)
		m, err2 := io.ReadFull(right, other)
		if !bytes.Equal(one[:n], other[:m]) {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
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
	if errors.As(err, &p) && fetch.Printable(p.Path) != p.Path {
		return fmt.Errorf("%s %s: %w", p.Op, strings.ToValidUTF8(fetch.Printable(p.Path), "?"), p.Err)
	}
	return err
}
