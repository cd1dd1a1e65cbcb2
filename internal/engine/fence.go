//go:build linux && amd64

package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The server as a library takes itself for clickhouse-local, in which SQL may
// read and write every file of its user: file('/proc/PID/environ') shows the
// token of a load to anybody who may SELECT. No setting ends that, so the kernel
// does (Landlock, Linux 5.19 or newer).

const (
	fenceRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	fenceWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
	fenceOther = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK
	// fenceFile are the rights that a rule for a single file may hold.
	fenceFile = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_EXECUTE
)

const ownProc = "/proc/self"

// errNoFence reports a kernel that cannot fence.
var errNoFence = errors.New("this kernel has no Landlock (Linux 5.19 or newer): SQL can reach every file of this user")

// Unfenced returns nil where an embedded server is kept to its own files, and
// otherwise why this machine cannot do so.
func Unfenced() error {
	_, err := fenceVersion()
	return err
}

// fenceVersion is which Landlock the kernel has.
func fenceVersion() (uintptr, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	const renamesAcrossFolders = 2
	if errno != 0 || version < renamesAcrossFolders {
		return 0, errNoFence
	}
	return version, nil
}

// fence lets this thread, and every thread that it starts from now on, reach no
// files but the store's and what a server needs of the system. The threads of
// Go's own are not fenced: they write what SQL must not read, such as the
// endpoint with its passwords.
func (f folder) fence() error {
	version, err := fenceVersion()
	if err != nil {
		return err
	}
	const truncates = 3
	handled := uint64(fenceRead | fenceWrite | fenceOther)
	if version < truncates {
		handled &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if errno != 0 {
		return fmt.Errorf("fencing the server: %w", errno)
	}
	defer func() { _ = unix.Close(int(ruleset)) }()
	for path, access := range f.reach() {
		if err := allow(int(ruleset), path, access&handled); err != nil {
			return fmt.Errorf("fencing the server: %s: %w", path, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("fencing the server: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return fmt.Errorf("fencing the server: %w", errno)
	}
	return nil
}

// reach lists what the server may reach: its data, the one folder for files
// that SQL reads and writes (file('x.csv')), and of the system what names,
// zones, certificates and the state of the machine are read from. What is
// absent is left out.
func (f folder) reach() map[string]uint64 {
	paths := map[string]uint64{
		f.file(dataFolder): fenceRead | fenceWrite, f.file(logFolder): fenceRead | fenceWrite, f.file(filesFolder): fenceRead | fenceWrite,
		f.file(historyFile): fenceRead | fenceWrite, f.file(configFile): fenceRead, f.file(usersFile): fenceRead,
		// An administrator's additions to the two; the server does not start where it cannot read them.
		f.file("config.d"): fenceRead, f.file("users.d"): fenceRead,
		"/dev/null": fenceRead | fenceWrite, "/dev/zero": fenceRead, "/dev/random": fenceRead, "/dev/urandom": fenceRead,
		"/dev/tty": fenceRead | fenceWrite, "/dev/pts": fenceRead | fenceWrite,
		ownProc: fenceRead, "/proc/sys": fenceRead, "/sys": fenceRead,
	}
	// Not all of /proc: the environment of a load is in there, and the token in that.
	for _, file := range []string{"cpuinfo", "diskstats", "filesystems", "interrupts", "loadavg", "meminfo", "schedstat", "stat", "uptime", "version", "vmstat"} {
		paths[filepath.Join("/proc", file)] = fenceRead
	}
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/usr/share/ca-certificates",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates"} {
		paths[dir] = fenceRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	}
	for _, file := range []string{"hosts", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf", "localtime", "timezone", "services", "protocols", "ld.so.cache"} {
		paths[filepath.Join("/etc", file)] = fenceRead
	}
	return paths
}

func allow(ruleset int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	if path != ownProc { // the kernel may forget a folder of /proc that nobody has open, and its rule with it
		defer func() { _ = unix.Close(fd) }()
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		access &= fenceFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
