package dirs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
)

// Folder lists a folder on this machine, at any depth. A file's Path is its path
// from Root with forward slashes, and its ETag stands for its modification time.
// Symbolic links to files are followed where they stay below Root; links to
// folders are not, as they may lead in circles, and are told of as skipped.
type Folder struct {
	Root    string
	Skipped Skipped
}

// Walk implements Walker. A folder that cannot be read is an error: what is in
// it would be missing silently.
func (w Folder) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	c := collect(types, periods)
	root, err := filepath.EvalSymlinks(w.Root)
	if err == nil {
		_, err = os.ReadDir(root) // WalkDir is content with a file
	}
	if err == nil {
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || d.IsDir() {
				return err
			}
			return w.file(c, root, path)
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("listing folder %s: %w", fetch.Printable(w.Root), escaped(err))
	}
	return c.yield(ctx, yield)
}

func (w Folder) file(c *collection, root, path string) error {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(rel)
	if _, _, err := rawlog.ParseName(name); err != nil {
		w.Skipped.tell(name, err)
		return nil
	}
	_, info, err := fetch.Folder(root).Resolve(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil: // a dangling link, a pipe, or removed just now
		w.Skipped.tell(name, err)
		return nil
	}
	return c.addNamed(name, info.Size(), fetch.FileTag(info), w.Skipped)
}

// escaped makes the path in a file system's error printable.
func escaped(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && fetch.Printable(p.Path) != p.Path {
		return fmt.Errorf("%s %s: %w", p.Op, strings.ToValidUTF8(fetch.Printable(p.Path), "?"), p.Err)
	}
	return err
}
