package machine

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	virtual := fstest.MapFS{
		"proc/cpuinfo":                     file("processor\t: 0\nmodel name\t: Some CPU @ 3.0GHz\nflags\t\t: fpu hypervisor lahf\n\nprocessor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n"),
		"proc/meminfo":                     file("MemTotal:       16777216 kB\nMemFree: 1 kB\n"),
		"sys/class/dmi/id/sys_vendor":      file("Some Cloud\n"),
		"sys/class/dmi/id/product_name":    file("m7.large\n"),
		"sys/class/dmi/id/product_version": file("1\n"),
	}
	metal := fstest.MapFS{"proc/cpuinfo": file("model name: A\nflags: fpu\n"), "sys/class/dmi/id/sys_vendor": file("Maker\n")}
	arm := fstest.MapFS{"proc/cpuinfo": file("CPU part\t: 0xd0c\n")}
	for _, c := range []struct {
		root    fstest.MapFS
		release string
		want    string
	}{
		{virtual, "6.1.0", "2 × Some CPU @ 3.0GHz, 16.0 GiB, Linux 6.1.0, virtual: Some Cloud m7.large"},
		{metal, "6.1.0", "2 × A, Linux 6.1.0, Maker"},
		{arm, "", "2 × 0xd0c, Linux of unknown release, virtualization unknown"},
		{fstest.MapFS{"proc/cpuinfo": file("flags: hypervisor")}, "5", "2 × unknown processor, Linux 5, virtual: hypervisor unknown"},
		{fstest.MapFS{}, "5", "2 × unknown processor, Linux 5, virtualization unknown"},
	} {
		if got := describe(c.root, 2, c.release); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := Describe(); !strings.Contains(got, "GiB, Linux ") || strings.Contains(got, "unknown release") {
		t.Errorf("this machine: %s", got)
	}
}
