package gen

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// Row is one good row as an independent reader sees it.
type Row struct {
	Line   int // number of the physical line at which it starts; the header is 1
	Fields []string
}

// Recount reads a file's CSV with encoding/csv, the broken lines taken out by
// what truth says of them: the reference for what a loader has to have stored.
func Recount(text []byte, truth Truth) ([]Row, error) {
	broken := make(map[int]string, len(truth.Broken))
	for _, b := range truth.Broken {
		broken[b.Line] = b.Raw
	}
	// A broken line becomes a blank one, which encoding/csv skips and counts.
	var clean bytes.Buffer
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		raw, gone := broken[i+1]
		if !gone {
			clean.Write(line)
			continue
		}
		if got := strings.TrimSuffix(string(line), "\n"); got != raw {
			return nil, fmt.Errorf("line %d: %q, where %q was to be broken", i+1, got, raw)
		}
		clean.WriteByte('\n')
	}
	r := csv.NewReader(&clean)
	r.FieldsPerRecord = len(truth.Header)
	var rows []Row
	for {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("recount: %w", err)
		}
		line, _ := r.FieldPos(0)
		rows = append(rows, Row{Line: line, Fields: fields})
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("recount: no header")
	}
	return rows[1:], nil
}
