package convreport

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"rawlogs/internal/fetch"
)

// day is the rows of a day on their way: on disk, with their keys in memory. It is for one
// goroutine.
type day struct {
	of    time.Time
	probe bool // a day of more than a page is not read on, but a *longError
	spool *os.File
	out   *bufio.Writer
	size  int64

	rows   map[string]stored // by key
	names  []string          // of fields, as they came
	number map[string]int    // of a name
	notes  []string
	walks  int
	good   map[int]bool // walks whose rows count
	buf    []byte
}

// stored is where a row is.
type stored struct {
	at   int64
	size int
	walk int // that read it last
}

func newDay(spool string, of time.Time) (*day, error) {
	f, err := fetch.Unnamed(spool)
	if err != nil {
		return nil, err
	}
	return &day{of: of, spool: f, out: bufio.NewWriterSize(f, 64<<10), rows: map[string]stored{}, number: map[string]int{}, good: map[int]bool{}}, nil
}

func (d *day) close() error { return d.spool.Close() }

// field is a value under its name.
type field struct{ name, value string }

// begin begins a walk through a span.
func (d *day) begin() { d.walks++ }

// finish says that the rows of the walk are those of its span.
func (d *day) finish() { d.good[d.walks] = true }

// put takes a row; of two with one key it keeps the later one. It reports whether the row is
// one that the walk has not seen. A row without a key is told from others of its text by
// how many the walk has seen of it.
func (d *day) put(key string, row []field) (fresh bool, err error) {
	d.buf = d.buf[:0]
	for _, f := range row {
		n, ok := d.number[f.name]
		if !ok {
			n = len(d.names)
			d.names, d.number[f.name] = append(d.names, f.name), n
		}
		d.buf = binary.AppendUvarint(d.buf, uint64(n))
		d.buf = binary.AppendUvarint(d.buf, uint64(len(f.value)))
		d.buf = append(d.buf, f.value...)
	}
	if key == "" {
		sum := sha256.New()
		for _, f := range row {
			_, _ = fmt.Fprintf(sum, "%q%q", f.name, f.value) // a hash never fails
		}
		text := "~" + hex.EncodeToString(sum.Sum(nil)[:16]) // behind all keys
		for n := 0; ; n++ {
			if key = text + strconv.Itoa(n); d.rows[key].walk != d.walks {
				break
			}
		}
	}
	fresh = d.rows[key].walk != d.walks
	d.rows[key] = stored{d.size, len(d.buf), d.walks}
	d.size += int64(len(d.buf))
	_, err = d.out.Write(d.buf)
	return fresh, err
}

// writeCSV writes the rows below a header of the fields asked for and those that came beside
// them, and returns how many bytes that is.
func (d *day) writeCSV(w io.Writer, asked []string) (int64, error) {
	if err := d.out.Flush(); err != nil {
		return 0, err
	}
	var beside []string
	for _, name := range d.names {
		if !slices.Contains(asked, name) {
			beside = append(beside, name)
		}
	}
	slices.Sort(beside)
	order := slices.Concat(asked, beside)
	header := make([]string, len(order))
	place := make([]int, len(d.names)) // of a field's number
	for i, name := range order {
		header[i] = Column(name)
		if n, ok := d.number[name]; ok {
			place[n] = i
		}
	}
	counted := &counter{w: w}
	out := csv.NewWriter(counted)
	if err := out.Write(header); err != nil {
		return 0, err
	}
	cells := make([]string, len(order))
	for _, key := range d.keys() {
		if err := d.cells(d.rows[key], place, cells); err != nil {
			return 0, err
		}
		if err := out.Write(cells); err != nil {
			return 0, err
		}
	}
	out.Flush()
	return counted.n, out.Error()
}

// keys are those of the rows that count, numbers first and in their order.
func (d *day) keys() []string {
	keys := make([]string, 0, len(d.rows))
	for key, row := range d.rows {
		if d.good[row.walk] { //guard:report-walk
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

// compareKeys puts numbers in their order and before other texts.
func compareKeys(a, b string) int {
	x, xerr := strconv.ParseUint(a, 10, 64)
	y, yerr := strconv.ParseUint(b, 10, 64)
	if xerr == nil && yerr == nil {
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	}
	if (xerr == nil) != (yerr == nil) {
		if xerr == nil {
			return -1
		}
		return 1
	}
	return cmp.Compare(a, b)
}

var errSpool = errors.New("the spool is not as it was written")

// cells reads a row into the cells of its line.
func (d *day) cells(row stored, place []int, cells []string) error {
	clear(cells)
	d.buf = slices.Grow(d.buf[:0], row.size)[:row.size]
	if _, err := d.spool.ReadAt(d.buf, row.at); err != nil {
		return err
	}
	for rest := d.buf; len(rest) > 0; {
		n, width := binary.Uvarint(rest)
		size, more := binary.Uvarint(rest[max(width, 0):])
		begin := width + more
		if width <= 0 || more <= 0 || n >= uint64(len(place)) || uint64(len(rest)-begin) < size {
			return errSpool
		}
		cells[place[n]] = string(rest[begin : begin+int(size)])
		rest = rest[begin+int(size):]
	}
	return nil
}

// counter counts the bytes that pass.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
