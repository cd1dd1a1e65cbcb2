// Command mutants takes each protection against a fault out of the code, one
// at a time, and expects the test that is named for it to fail. A test that
// does not notice guards nothing.
//
// Nothing is changed on disk: the go command builds with an overlay. A mark in
// the code says where a protection is, and the table here how to take it out;
// -write brings docs/protections.md up to date.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := f.String("only", "", "protections whose name, area, words, place or test match the `expression`")
	list := f.Bool("list", false, "print where they are instead of running")
	update := f.Bool("write", false, "write "+written+" instead of running")
	timeout := f.Duration("timeout", 4*time.Minute, "for one test; one that hangs has noticed")
	if err := f.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile("(?i)" + *only)
	if err != nil {
		return err
	}
	marks, err := scan(".")
	if err != nil {
		return err
	}
	all := protections()
	if *update {
		return os.WriteFile(written, []byte(markdown(all)), 0o644)
	}
	chosen := slices.DeleteFunc(all, func(p protection) bool {
		return !wanted.MatchString(p.Name + " " + p.Area + " " + p.What + " " + marks[p.Name].file + " " + p.Package + " " + p.Test)
	})
	if len(chosen) == 0 {
		return fmt.Errorf("no protection matches %q", *only)
	}
	if *list {
		for _, p := range chosen {
			if _, err := fmt.Fprintf(out, "%s: %s: %s\n", marks[p.Name].at(), p.Name, p.What); err != nil {
				return err
			}
		}
		return nil
	}
	return trial(ctx, out, chosen, marks, *timeout)
}
