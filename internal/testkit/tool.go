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
// Where it is absent it is built there from tools/versitygw: some 70 s with an empty
// build cache.
func Tool(name string) (string, error) {
	path, err := inBin(name, isExecutable, func(root, path string) error {
		// go build writes in place, so build aside: nobody may run half a file.
		aside, err := os.MkdirTemp(filepath.Dir(path), ".build-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(aside) }()
		build := exec.Command("go", "build", "-C", filepath.Join(root, "tools", "versitygw"), "-o", aside+string(filepath.Separator), "tool")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building: %w: %s", err, bytes.TrimSpace(out))
		}
		return os.Rename(filepath.Join(aside, name), path)
	})
	if err != nil {
		return "", fmt.Errorf("tool %s: %w", name, err)
	}
	return path, nil
}

// inBin returns a path in bin/ of the checkout. What is not there yet is made, once for
// all test processes.
func inBin(name string, there func(path string) bool, build func(root, path string) error) (string, error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, "bin")
	path := filepath.Join(bin, name)
	if there(path) {
		return path, nil
	}
	if err = os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(bin, ".tools.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // also unlocks
	if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if there(path) {
		return path, nil // another process made it meanwhile
	}
	return path, build(root, path)
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
