package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"rawlogs/internal/rawlog"
)

// Folder opens the files below a folder on this machine; File.At is the path
// from there, with forward slashes.
type Folder string

// Open implements Source.
func (root Folder) Open(_ context.Context, f rawlog.File, offset int64, etag string) (*Body, error) {
	path, info, err := root.Resolve(f.At())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fail(f, NotFound, nil)
	case errors.Is(err, fs.ErrPermission):
		return nil, fail(f, Denied, pathless(err))
	case err != nil:
		return nil, fail(f, Refused, err)
	}
	tag := FileTag(info)
	if etag != "" && etag != tag {
		return nil, fail(f, Changed, errors.New("its modification time is another than when it was listed"))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fail(f, Denied, pathless(err))
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, fail(f, Failed, pathless(err))
	}
	return &Body{ReadCloser: file, Size: info.Size(), Offset: offset, ETag: tag, NoMD5: true, file: file}, nil
}

// Resolve turns a name into a path, following symbolic links as long as they
// stay below the folder. What it returns is a regular file: opening a pipe
// would wait for ever.
func (root Folder) Resolve(name string) (string, fs.FileInfo, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", nil, errors.New("the name leads out of the folder")
	}
	base, err := filepath.EvalSymlinks(string(root))
	if err != nil {
		return "", nil, fmt.Errorf("the folder %s: %w", Printable(string(root)), pathless(err))
	}
	path, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(name)))
	if err != nil {
		return "", nil, err
	}
	if rel, err := filepath.Rel(base, path); err != nil || !filepath.IsLocal(rel) {
		return "", nil, errors.New("a symbolic link leads out of the folder: make the real folder the source, or copy the file")
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("it is no regular file but %s", describe(info.Mode()))
	}
	return path, info, nil
}

func describe(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	}
	return "a special file"
}

// FileTag is the stand-in for an ETag of a file on this machine: its
// modification time, so that a file replaced by another of its size is noticed.
func FileTag(info fs.FileInfo) string {
	return "mtime-" + strconv.FormatInt(info.ModTime().UnixNano(), 10)
}

// pathless keeps what went wrong and leaves the path to the file's own name.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// changed tells whether a file changed since body was opened.
func (b *Body) changed() bool {
	if b.file == nil {
		return false
	}
	info, err := b.file.Stat()
	return err != nil || info.Size() != b.Size || FileTag(info) != b.ETag
}
