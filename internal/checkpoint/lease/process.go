package lease

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// identity names a process for people (owner) and for a later run on the same
// machine that wants to know whether it still lives (process).
type identity struct{ owner, process string }

func self() identity {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	pid := os.Getpid()
	id := identity{owner: fmt.Sprintf("%s pid %d", host, pid)}
	if kernel, start := kernelID(), startTime(pid); kernel != "" && start != "" {
		id.process = fmt.Sprintf("%s %d %s", kernel, pid, start)
	}
	return id
}

// Process names this process for a later one on the same machine; "" where the system
// does not tell one process from a later one of the same id.
func Process() string { return self().process }

// Ended reports whether the process of that name, of Process, is surely gone.
func Ended(process string) bool { return ended(process) }

// ended reports whether a process is surely gone: it ran under this very boot
// and PID namespace, and no process of that id and start time is there now.
// Nothing is known of any other process, and only its lease's end frees it.
func ended(process string) bool { return endedOn(machine{kernelID(), probe, readStat}, process) }

// machine is how other processes are asked after.
type machine struct {
	kernel string
	probe  func(pid int) error           // kill(pid, 0)
	stat   func(pid int) ([]byte, error) // /proc/PID/stat
}

func endedOn(m machine, process string) bool {
	fields := strings.Fields(process)
	if len(fields) != 3 || m.kernel == "" || fields[0] != m.kernel {
		return false
	}
	pid, err := strconv.Atoi(fields[1])
	if err != nil || pid <= 0 { // 0 and below would mean groups of processes
		return false
	}
	if errors.Is(m.probe(pid), syscall.ESRCH) { //guard:dead-process
		return true
	}
	// There is a process of that id, or one that may not be asked (EPERM). It
	// is another, later one only where its start can be read: /proc hides the
	// processes of other users under hidepid, and absence proves nothing.
	stat, err := m.stat(pid)
	if err != nil { //guard:process-hidden
		return false
	}
	start, dead, ok := parseStat(stat)
	return ok && (dead || start != fields[2])
}

func probe(pid int) error { return syscall.Kill(pid, 0) }

func readStat(pid int) ([]byte, error) { return os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) }

// kernelID is the boot and PID namespace, in which process ids mean the same; "" where there is no /proc.
func kernelID() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + ns
}

// startTime is the start of a running process; "" where it cannot be read.
func startTime(pid int) string {
	stat, err := readStat(pid)
	if err != nil {
		return ""
	}
	start, _, _ := parseStat(stat)
	return start
}

// parseStat reads a process's start in ticks since boot (proc(5), field 22 of
// stat), which tells it from a later one with the same id, and whether it is a
// zombie.
func parseStat(stat []byte) (start string, dead, ok bool) {
	// The name in parentheses may hold anything; fields are counted after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", false, false
	}
	return fields[19], fields[0] == "Z", true
}
