package storage

import (
	"os/exec"
	"syscall"
)

func dieWithParent(cmd *exec.Cmd) {
	// A group of its own keeps a terminal's Ctrl-C for the parent, which ends
	// the child in its own order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
