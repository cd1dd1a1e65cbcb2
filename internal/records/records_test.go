package records

import "testing"

func TestValue(t *testing.T) {
	t.Parallel()
	text := []byte(`a,"b ""c""","""",""`)
	r := Records{Text: text, Rows: 1, Width: 4, Fields: []Field{{0, 1}, {3, 7 | Doubled}, {13, 2 | Doubled}, {17, 0}}}
	e := Field{0, 14 | Doubled | Escaped}
	if v, _ := e.In([]byte(`\"a\\ ""b"" c\`), nil); string(v) != `"a\ "b" c\` || e.Bytes() != 14 {
		t.Errorf("escaped: %q", v)
	}
	var scratch []byte
	for i, want := range []string{"a", `b "c"`, `"`, ""} {
		var v []byte
		if v, scratch = r.Value(0, i, scratch); string(v) != want {
			t.Errorf("field %d is %q, want %q", i, v, want)
		}
		if v, scratch = r.Fields[i].In(text, scratch); string(v) != want {
			t.Errorf("field %d is %q, want %q", i, v, want)
		}
	}
}
