package csv

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// A Cutter says of every line what it is, by itself: package rows reads whole files
// with it and has the tests of every sort of text.
func TestCutter(t *testing.T) {
	t.Parallel()
	const text = "\xef\xbb\xbf\n\"a\",\"b \"\"c\"\"\"\n1,\"x\ny\"\nshort\n\n2,say \"hi\"\n\"a\",\"b \"\"c\"\"\"\n3,\"\"\"\"\n"
	wantRows := []string{`3: 1|x` + "\n" + `y`, `9: 3|"`}
	wantRejected := []string{"5 wrong number of fields: short", `7 quote in a bare field: 2,say "hi"`, `8 the header again: "a","b ""c"""`}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": nil, "streamed": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
	} {
		var rejected []string
		c, err := New(0, func(r Rejected) error {
			rejected = append(rejected, fmt.Sprintf("%d %s: %s", r.Line, r.Reason, r.Raw))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Header(); err == nil {
			t.Errorf("%s: a header before any text", name)
		}
		if wrap == nil {
			c.ResetBytes([]byte(text))
		} else {
			c.Reset(wrap(strings.NewReader(text)))
		}
		names, err := c.Header()
		if err != nil || !slices.Equal(names, []string{"a", `b "c"`}) {
			t.Fatalf("%s: header %q, %v", name, names, err)
		}
		var rows []string
		for err == nil {
			r := c.Cut(10)
			for i := range r.Rows {
				a, _ := r.Value(i, 0, nil)
				b, _ := r.Value(i, 1, nil)
				rows = append(rows, fmt.Sprintf("%d: %s|%s", r.Lines[i], a, b))
			}
			err = c.Next()
		}
		if !errors.Is(err, io.EOF) || !slices.Equal(rows, wantRows) || !slices.Equal(rejected, wantRejected) || c.Rejected() != 3 {
			t.Errorf("%s: %v, rows %q, rejected %q (%d)", name, err, rows, rejected, c.Rejected())
		}
	}
}

func TestHeaderErrors(t *testing.T) {
	t.Parallel()
	c, err := New(0, func(Rejected) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c.ResetBytes([]byte("\n\n"))
	if _, err := c.Header(); !errors.Is(err, ErrEmpty) {
		t.Errorf("no text: %v", err)
	}
	c.ResetBytes([]byte("\n<html>\n"))
	if _, err := c.Header(); err != nil {
		t.Fatal(err)
	}
	if err := c.Not("strange"); err.Line != 2 || !strings.Contains(err.Error(), "header: strange; the text looks like a page of HTML") {
		t.Errorf("a page: %v", err)
	}
	if _, err := New(0, nil); err == nil {
		t.Error("rejected lines would vanish")
	}
}
