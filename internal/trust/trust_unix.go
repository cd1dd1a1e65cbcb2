//go:build unix

// Package trust says whether a file that was only found may be followed: a
// library that will run, or settings that say where secrets go. It also says which
// errors mean that a server did not prove to be the one that was asked for.
package trust

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// File returns an error unless this user and root alone can have written the
// file at path: both the file and every folder above it belong to one of them,
// and nobody else may write to them. In a folder such as /tmp, where others may
// write but not replace what is there (the sticky bit), the owner decides.
//
// The path's own folders count as well as those of what it links to, as a link
// is as good as what it names.
func File(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return err
	}
	me := user{uid: os.Geteuid(), gid: os.Getegid()}
	for _, p := range append(upwards(filepath.Join(folder, filepath.Base(abs))), upwards(target)...) {
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		if why, todo := me.doubts(info); why != "" {
			return &Error{Path: path, Part: p, Why: why, Do: todo + " " + quoted(p)}
		}
	}
	return nil
}

// Error says which part of a path others have in their hands.
type Error struct {
	Path string // the file
	Part string // it, or a folder above it
	Why  string
	Do   string // a command that mends it
}

func (e *Error) Error() string {
	part := ""
	if e.Part != e.Path {
		part = e.Part + " "
	}
	return fmt.Sprintf("%s is not trusted: %s%s", e.Path, part, e.Why)
}

type user struct{ uid, gid int }

// doubts says why somebody else could have written a file or folder, and what
// would change that.
func (u user) doubts(info fs.FileInfo) (why, todo string) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	if owner := int(st.Uid); owner != 0 && owner != u.uid { //guard:trust-owner
		return fmt.Sprintf("belongs to user id %d", owner), fmt.Sprintf("chown %d", u.uid)
	}
	mode := info.Mode()
	if mode&fs.ModeSymlink != 0 || mode.IsDir() && mode&fs.ModeSticky != 0 {
		return "", ""
	}
	own := u.own(int(st.Gid))
	switch {
	case mode&0o002 != 0: //guard:trust-writable
		return "can be written by everyone", "chmod go-w"
	case mode&0o020 != 0 && !own: //guard:trust-group
		return fmt.Sprintf("can be written by group id %d", st.Gid), "chmod g-w"
	}
	return "", ""
}

// own reports whether a group has nobody else in it: one that is this user's own, as
// most systems make one for each, or root's.
func (u user) own(gid int) bool { return gid == 0 || gid == u.gid && u.gid == u.uid }

// OthersRead reports whether anybody but this user and root can read a file. Its group
// may, where nobody else is in that: systemd hands a credential of root's to a service
// by an access list, which shows as the group's right, and Kubernetes by the group.
func OthersRead(info fs.FileInfo) bool {
	return user{uid: os.Geteuid(), gid: os.Getegid()}.othersRead(info)
}

func (u user) othersRead(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return info.Mode().Perm()&0o007 != 0 || info.Mode().Perm()&0o070 != 0 && (!ok || !u.own(int(st.Gid)))
}

// upwards lists a path and every folder above it.
func upwards(path string) []string {
	paths := []string{path}
	for {
		parent := filepath.Dir(path)
		if parent == path {
			return paths
		}
		paths, path = append(paths, parent), parent
	}
}

func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
