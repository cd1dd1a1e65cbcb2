package rawlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"time"
)

// Pack holds files in little memory, some 90 bytes each where they are plain: a listing may have
// a million, and as Files those take 250 bytes and a string or three each. They stay in the order
// in which they were added until they are sorted.
type Pack struct {
	lines []packed
	texts [][]byte // what the lines are about, in pieces that never move
	types []Type
}

// packed says where a file is.
type packed struct {
	hour        int64 // in Unix seconds; all files have whole ones
	piece, from uint32
}

// piece is how many bytes are made room for at a time.
const piece = 256 << 10

// Add puts a file behind the others. stamp comes back with it.
func (p *Pack) Add(f File, stamp int64) {
	typ := slices.Index(p.types, f.Type)
	if typ < 0 {
		typ, p.types = len(p.types), append(p.types, f.Type)
	}
	prefix, ends := strings.CutSuffix(f.Path, f.Name)
	text := make([]byte, 0, 256)
	for _, n := range []int{len(f.Name), len(prefix), len(f.ETag), len(f.Part)} {
		text = binary.AppendUvarint(text, uint64(n))
	}
	text = append(append(append(append(text, prefix...), f.Name...), f.ETag...), f.Part...)
	for _, n := range []int64{int64(typ), f.Size, int64(f.Span), stamp} {
		text = binary.AppendVarint(text, n)
	}
	text = append(text, 0)
	if ends {
		text[len(text)-1] = 1
	}
	last := len(p.texts) - 1
	if last < 0 || len(p.texts[last])+len(text) > cap(p.texts[last]) {
		p.texts = append(p.texts, make([]byte, 0, max(piece, len(text))))
		last++
	}
	p.lines = append(p.lines, packed{f.Hour.Unix(), uint32(last), uint32(len(p.texts[last]))})
	p.texts[last] = append(p.texts[last], text...)
}

// lengths are those of the name, the path before it, the tag and the part, whose texts begin rest.
func lengths(text []byte) (n [4]int, rest []byte) {
	for i := range n {
		v, size := binary.Uvarint(text)
		n[i], text = int(v), text[size:]
	}
	return n, text
}

// Len is how many files there are.
func (p *Pack) Len() int { return len(p.lines) }

func (p *Pack) text(l packed) []byte { return p.texts[l.piece][l.from:] }

func (p *Pack) name(l packed) []byte {
	n, rest := lengths(p.text(l))
	return rest[n[1]:][:n[0]]
}

// At is the file at a place, with its stamp.
func (p *Pack) At(i int) (f File, stamp int64) {
	l := p.lines[i]
	n, rest := lengths(p.text(l))
	end := n[0] + n[1] + n[2] + n[3]
	all, rest := string(rest[:end]), rest[end:] // one string for all of its texts
	var v [4]int64
	for i := range v {
		var size int
		v[i], size = binary.Varint(rest)
		rest = rest[size:]
	}
	f = File{Type: p.types[v[0]], Hour: time.Unix(l.hour, 0).UTC(), Size: v[1], Span: time.Duration(v[2])}
	named, tagged := n[1]+n[0], n[1]+n[0]+n[2]
	if f.Path = all[:n[1]]; rest[0] == 1 {
		f.Path = all[:named]
	}
	f.Name, f.ETag, f.Part = all[n[1]:named], all[named:tagged], all[tagged:]
	return f, v[3]
}

// SortByName puts files of a name together, in the order in which they were added.
func (p *Pack) SortByName() {
	slices.SortFunc(p.lines, func(a, b packed) int { return cmp.Or(bytes.Compare(p.name(a), p.name(b)), a.added(b)) })
}

// added says which of two was added first.
func (l packed) added(other packed) int {
	return cmp.Or(cmp.Compare(l.piece, other.piece), cmp.Compare(l.from, other.from))
}

// Has reports whether there is a file of a name. They are sorted by name.
func (p *Pack) Has(name string) bool {
	_, found := slices.BinarySearchFunc(p.lines, name, func(l packed, name string) int { return bytes.Compare(p.name(l), []byte(name)) })
	return found
}

// Choose leaves one file of each name. which is asked about those of a name, if there are
// several, by their places from the first to behind the last; -1 leaves none of them. They are
// sorted by name.
func (p *Pack) Choose(which func(from, to int) (keep int, err error)) error {
	left := 0 // of those before from
	for from := 0; from < len(p.lines); {
		to := from + 1
		for to < len(p.lines) && bytes.Equal(p.name(p.lines[from]), p.name(p.lines[to])) {
			to++
		}
		keep := from
		if to-from > 1 {
			var err error
			if keep, err = which(from, to); err != nil {
				return err
			}
		}
		if from = to; keep >= 0 {
			p.lines[left] = p.lines[keep]
			left++
		}
	}
	p.lines = p.lines[:left]
	return nil
}

// SortByHour puts the oldest first, and those of an hour in the order of their names.
func (p *Pack) SortByHour() {
	slices.SortFunc(p.lines, func(a, b packed) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), bytes.Compare(p.name(a), p.name(b)), a.added(b))
	})
}

// Within are the places of the files of a period, from the first to behind the last. They are
// sorted by hour.
func (p *Pack) Within(of Period) (from, to int) {
	before := func(l packed, t time.Time) int { return cmp.Compare(l.hour, t.Unix()) }
	from, _ = slices.BinarySearchFunc(p.lines, of.From, before)
	to, _ = slices.BinarySearchFunc(p.lines, of.To, before)
	return from, max(from, to)
}

// All are the files in their order.
func (p *Pack) All() iter.Seq[File] {
	return func(yield func(File) bool) {
		for i := range p.lines {
			if f, _ := p.At(i); !yield(f) {
				return
			}
		}
	}
}
