package answer

import "testing"

func TestContentRange(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][3]int64{
		"bytes 5-9/10": {5, 9, 10}, "bytes 0-0/1": {0, 0, 1}, "bytes 5-9/*": {5, 9, -1},
	} {
		first, last, total, err := parseContentRange(in)
		if err != nil || [3]int64{first, last, total} != want {
			t.Errorf("%s: got %d, %d, %d, %v", in, first, last, total, err)
		}
	}
	for _, in := range []string{"", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-9/9", "items 5-9/10", "bytes -5-9/10", "bytes 5-x/10"} {
		if _, _, _, err := parseContentRange(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}
