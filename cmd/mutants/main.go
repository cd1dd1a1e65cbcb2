// Command mutants takes each protection against a fault out of the code, one
// at a time, and expects the test that is named for it to fail. A test that
// does not notice guards nothing.
//
// Nothing is changed on disk: the go command builds with an overlay.
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
	only := f.String("only", "", "protections whose area, words, file or test match the `expression`")
	list := f.Bool("list", false, "print the table of docs/reliability.md instead of running")
	timeout := f.Duration("timeout", 4*time.Minute, "for one test; one that hangs has noticed")
	if err := f.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile("(?i)" + *only)
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(protections(), func(p protection) bool {
		return !wanted.MatchString(p.Area + " " + p.What + " " + p.File + " " + p.Package + " " + p.Test)
	})
	if *list {
		_, err := io.WriteString(out, markdown(chosen))
		return err
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no protection matches %q", *only)
	}
	return trial(ctx, out, chosen, *timeout)
}
