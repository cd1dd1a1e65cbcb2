package ahead

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 10_000)
	broken := errors.New("cut off")
	for _, size := range []int{1, 7, 1000, 100_000, 200_000} {
		a := New(strings.NewReader(text), size, 3)
		got, err := io.ReadAll(a)
		if err != nil || string(got) != text {
			t.Errorf("size %d: %d bytes, %v", size, len(got), err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		for _, want := range []error{broken, io.ErrUnexpectedEOF} {
			a = New(io.MultiReader(strings.NewReader(text), iotest.ErrReader(want)), size, 2)
			if got, err := io.ReadAll(a); !errors.Is(err, want) || string(got) != text {
				t.Errorf("size %d: %d bytes, %v", size, len(got), err)
			}
			_ = a.Close()
		}
		a = New(strings.NewReader(text), size, 1)
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = a.Close()
		_ = a.Close()
		if _, err := io.ReadAll(a); size < len(text) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("size %d: read after close: %v", size, err)
		}
	}
}
