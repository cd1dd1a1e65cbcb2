package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Asker asks a person at a terminal, a line at a time.
type Asker struct {
	In  *os.File // the terminal
	Out io.Writer
}

// Line asks a question and returns the answer, or def where it is empty. It ends with ctx,
// although nobody has answered.
func (a *Asker) Line(ctx context.Context, question, def string) (string, error) {
	if def != "" {
		question += " [" + def + "]"
	}
	if _, err := fmt.Fprintf(a.Out, "%s: ", question); err != nil {
		return "", err // a question that nobody saw has no answer
	}
	text, err := a.await(ctx, a.readLine)
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return def, nil
	}
	return text, nil
}

// Hidden asks for a secret, which the terminal does not show. It ends with ctx, and the
// terminal shows again what is typed.
func (a *Asker) Hidden(ctx context.Context, question string) (string, error) {
	if _, err := fmt.Fprintf(a.Out, "%s (hidden): ", question); err != nil {
		return "", err
	}
	fd := int(a.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	text, err := a.await(ctx, func() (string, error) {
		raw, rerr := term.ReadPassword(fd)
		return string(raw), rerr
	})
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(fd, before)) //guard:echo-restored
	}
	_, werr := fmt.Fprintln(a.Out)
	return strings.TrimSpace(text), errors.Join(err, werr)
}

// await reads until ctx ends. A read that is left behind ends with the process.
func (a *Asker) await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case x := <-got:
		return x.text, x.err
	}
}

// readLine reads no further than the line's end: what follows may be a secret, which is
// read without an echo.
func (a *Asker) readLine() (string, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := a.In.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, one[0])
		}
		if errors.Is(err, io.EOF) {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
	}
}
