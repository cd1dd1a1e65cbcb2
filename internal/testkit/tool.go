package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Tool returns the path of a program that tests need, from bin/ of the checkout.
// Where it is absent it is built there from tools/versitygw, once for all
// test processes: some 70 s with an empty build cache.
func Tool(name string) (path string, err error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, "bin")
	path = filepath.Join(bin, name)
	if isExecutable(path) {
		return path, nil
	}
	if err = os.MkdirAll(bin, 0o755); err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, ".tools.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	defer func() { _ = lock.Close() }() // also unlocks
	if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	if isExecutable(path) {
		return path, nil // another process built it meanwhile
	}
	// go build writes in place, so build aside: nobody may run half a file.
	aside, err := os.MkdirTemp(bin, ".build-")
	if err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(aside) }()
	build := exec.Command("go", "build", "-C", filepath.Join(root, "tools", "versitygw"), "-o", aside+string(filepath.Separator), "tool")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	if err := os.Rename(filepath.Join(aside, name), path); err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	return path, nil
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// checkout is the folder of the project's go.mod, above the working directory
// that go test runs a package in.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module rawlogs\n")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod of module rawlogs above the working directory")
		}
		dir = up
	}
}
