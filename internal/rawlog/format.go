package rawlog

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// Format is how a file holds its text: packed in one of three ways, or as it is.
type Format string

// The formats. Of one file in several of them the first in this order is taken: what
// it holds can be proven best.
const (
	Zip   Format = "ZIP"  // length and CRC-32 of the text
	Gzip  Format = "gzip" // the same, of each member
	Zstd  Format = "zstd" // a checksum, if whoever packed it wanted one
	Plain Format = "text" // nothing
)

// endings are the formats by the ends of names, the longest of each first.
var endings = []struct {
	end    string
	format Format
}{
	{".zip", Zip}, {".csv.gz", Gzip}, {".gz", Gzip}, {".csv.zst", Zstd}, {".zst", Zstd}, {".csv", Plain},
}

// CutFormat cuts the end that says how a file is packed from its name, in capitals
// or not; ok is false where no such end is there.
func CutFormat(name string) (stem string, f Format, ok bool) {
	for _, e := range endings {
		if at := len(name) - len(e.end); at > 0 && strings.EqualFold(name[at:], e.end) {
			return name[:at], e.format, true
		}
	}
	return name, "", false
}

// FormatOf recognizes a file's format by its first bytes, whatever its name says:
// whoever packs a file anew may forget to rename it. Only a text is none without a
// name that says so, as it has no mark of its own, and a message that stands where a
// file should be is one, too. Events may have any name. Four bytes are enough.
func FormatOf(head []byte, name string) (f Format, ok bool) {
	_, named, _ := CutFormat(path.Base(name))
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return Gzip, true
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return Zstd, true
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return Zip, true
	case named == Plain, IsEvents(name): //guard:text-by-name
		return Plain, true
	}
	// Bytes before the first entry are allowed, where they begin like one.
	return Zip, bytes.HasPrefix(head, []byte("PK"))
}

// Mark is what a file begins with that is what its name says; "" where that may be
// anything.
func Mark(name string) string {
	_, named, _ := CutFormat(path.Base(name))
	return map[Format]string{Zip: "PK", Gzip: "\x1f\x8b", Zstd: "\x28\xb5\x2f\xfd"}[named]
}

// Preferred compares two formats of one file: the one that comes first is taken.
func Preferred(a, b Format) int {
	order := []Format{Zip, Gzip, Zstd, Plain}
	return slices.Index(order, a) - slices.Index(order, b)
}
