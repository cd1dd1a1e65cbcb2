package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"rawlogs/internal/dirs"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Open implements dirs.Source; File.At is the path from the folder.
func (s *Source) Open(_ context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	path, info, err := resolve(s.root, f.At())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, dirs.Fail(dirs.NotFound, nil)
	case errors.Is(err, fs.ErrPermission):
		return nil, dirs.Fail(dirs.Denied, dirs.Pathless(err))
	case err != nil:
		return nil, dirs.Fail(dirs.Refused, err)
	}
	tag := tagOf(info)
	if etag != "" && etag != tag {
		return nil, dirs.Fail(dirs.Changed, errors.New("its modification time is another than when it was listed"))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, dirs.Fail(dirs.Denied, dirs.Pathless(err))
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, dirs.Fail(dirs.Failed, dirs.Pathless(err))
	}
	return &dirs.Body{
		ReadCloser: file, Size: info.Size(), Offset: offset, ETag: tag, NoMD5: true, File: file,
		Changed: func() bool {
			now, err := file.Stat()
			return err != nil || now.Size() != info.Size() || tagOf(now) != tag
		},
	}, nil
}

// resolve turns a name below root into a path, following symbolic links as long as they
// stay below the folder. What it returns is a regular file: opening a pipe
// would wait for ever.
func resolve(root, name string) (string, fs.FileInfo, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", nil, errors.New("the name leads out of the folder")
	}
	base, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", nil, fmt.Errorf("the folder %s: %w", plain.Name(root), dirs.Pathless(err))
	}
	path, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(name)))
	if err != nil {
		return "", nil, err
	}
	rel, err := filepath.Rel(base, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", nil, errors.New("a symbolic link leads out of the folder: make the real folder the source, or copy the file")
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, fmt.Errorf("it is %s, not a regular file", describe(info.Mode()))
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

// tagOf is the stand-in for an ETag of a file on this machine: its
// modification time, so that a file replaced by another of its size is noticed.
func tagOf(info fs.FileInfo) string {
	return "mtime-" + strconv.FormatInt(info.ModTime().UnixNano(), 10)
}
