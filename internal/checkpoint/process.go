package checkpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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

// ended tells whether a process is surely gone: it ran under this very boot
// and PID namespace, and no process of that id and start time is there now.
// Of any other process nothing is known, and only its lease's end frees it.
func ended(process string) bool {
	fields := strings.Fields(process)
	if len(fields) != 3 || fields[0] != kernelID() {
		return false
	}
	pid, err := strconv.Atoi(fields[1])
	return err == nil && startTime(pid) != fields[2] //guard:dead-process
}

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

// startTime is the process's start in ticks since boot (proc(5), field 22 of
// stat), which tells it from a later one with the same id; "" when it is gone
// or a zombie.
func startTime(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in parentheses may hold spaces; fields are counted after it.
	_, rest, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}
