// Package machine says what a measurement ran on.
package machine

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Describe is one line for people: the model of the processors and how many this process may
// use, memory, kernel, and what virtualizes them, as far as Linux tells.
func Describe() string {
	var name unix.Utsname
	release := ""
	if unix.Uname(&name) == nil {
		release = unix.ByteSliceToString(name.Release[:])
	}
	return describe(os.DirFS("/"), runtime.NumCPU(), release)
}

func describe(root fs.FS, cpus int, release string) string {
	info := colons(root, "proc/cpuinfo")
	said := []string{fmt.Sprintf("%d × %s", cpus, cmp.Or(info["model name"], info["CPU part"], "unknown processor"))}
	var kib float64
	if _, err := fmt.Sscanf(colons(root, "proc/meminfo")["MemTotal"], "%f kB", &kib); err == nil {
		said = append(said, fmt.Sprintf("%.1f GiB", kib/(1<<20)))
	}
	said = append(said, "Linux "+cmp.Or(release, "of unknown release"))
	maker := strings.TrimSpace(first(root, "sys/class/dmi/id/sys_vendor") + " " + first(root, "sys/class/dmi/id/product_name"))
	switch {
	case strings.Contains(" "+info["flags"]+" ", " hypervisor "):
		said = append(said, "virtual: "+cmp.Or(maker, first(root, "sys/hypervisor/type"), "hypervisor unknown"))
	case maker != "":
		said = append(said, maker)
	default:
		said = append(said, "virtualization unknown")
	}
	return strings.Join(said, ", ")
}

// colons is the first value of each name of a file of `name: value`.
func colons(root fs.FS, file string) map[string]string {
	text, _ := fs.ReadFile(root, file)
	values := map[string]string{}
	for line := range bytes.Lines(text) {
		name, value, _ := strings.Cut(string(line), ":")
		if name = strings.TrimSpace(name); values[name] == "" {
			values[name] = strings.TrimSpace(value)
		}
	}
	return values
}

// first is a file of one line; "" where there is none.
func first(root fs.FS, file string) string {
	text, _ := fs.ReadFile(root, file)
	return strings.TrimSpace(string(text))
}
