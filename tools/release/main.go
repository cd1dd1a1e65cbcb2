// Command release makes what a release consists of, out of the commit that is checked
// out: archives, packages, a list of parts (SBOM) and checksums. It is a module of its
// own, so that what it depends on stays out of ours.
//
//	release build VERSION DIR [PLATFORM…]   all of it, into DIR
//	release notes VERSION                   the part of CHANGELOG.md that is about it
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "build":
		platforms := args[3:]
		if len(platforms) == 0 {
			platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}
		}
		out, err := filepath.Abs(args[2])
		if err != nil {
			return err
		}
		return build(ctx, args[1], out, platforms)
	case len(args) == 2 && args[0] == "notes":
		text, err := os.ReadFile("CHANGELOG.md")
		if err != nil {
			return err
		}
		notes, err := notesOf(string(text), args[1])
		if err == nil {
			_, err = fmt.Fprint(os.Stdout, notes)
		}
		return err
	}
	return errors.New("want build VERSION DIR [PLATFORM…], or notes VERSION")
}
