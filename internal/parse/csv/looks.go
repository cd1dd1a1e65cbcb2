package csv

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// archives are how texts begin that are packed still, and what to say about them.
var archives = []struct{ magic, what string }{
	{"\x1f\x8b", "the text is gzip once more: it was packed twice"},
	{"PK\x03\x04", "the text is a ZIP: it was packed twice"},
	{"\x28\xb5\x2f\xfd", "the text is zstd: it was packed twice"},
	{"BZh", "the text is bzip2: pack it as gzip, zstd or ZIP"},
	{"\xfd7zXZ\x00", "the text is xz: pack it as gzip, zstd or ZIP"},
	{"7z\xbc\xaf\x27\x1c", "the text is a 7z archive: pack it as gzip, zstd or ZIP"},
	{"\xff\xfe\x00\x00", "the text is UTF-32: convert it to UTF-8"},
	{"\x00\x00\xfe\xff", "the text is UTF-32: convert it to UTF-8"},
	{"\xff\xfe", "the text is UTF-16: convert it to UTF-8"},
	{"\xfe\xff", "the text is UTF-16: convert it to UTF-8"},
	{"sep=", "it begins with the line by which spreadsheets name the separator: take it out"},
}

// tarMagic stands where a tar names its format, behind its first file's name.
const (
	tarMagic = "ustar"
	tarAt    = 257
)

// looks adds to the reason for refusing a header what the text looks like.
func looks(text []byte) string {
	for _, a := range archives {
		if bytes.HasPrefix(text, []byte(a.magic)) {
			return "; " + a.what
		}
	}
	switch {
	case len(text) == 0:
		return ""
	case len(text) > tarAt && bytes.HasPrefix(text[tarAt:], []byte(tarMagic)):
		return "; the text is a tar archive: take the file out of it"
	case text[0] == '<':
		return fmt.Sprintf("; the text looks like a page of HTML or XML: it begins with %.60q", text[:min(len(text), 60)])
	case text[0] == '{', text[0] == '[':
		return fmt.Sprintf("; the text looks like JSON: it begins with %.60q", text[:min(len(text), 60)])
	case bytes.IndexByte(text[:min(len(text), 64)], 0) >= 0:
		return "; there are NUL bytes in it: is it UTF-16, or a file with a hole?"
	}
	return ""
}

// Binary reports whether the header that Header returned holds what no text does: NUL, or
// the mark of a ZIP's entry. What it has of names may be the end of something else, such
// as of a tar's head, and the first of them would be lost.
func (r *Cutter) Binary() bool {
	return slices.ContainsFunc(r.names, func(name string) bool {
		return strings.ContainsRune(name, 0) || strings.Contains(name, "PK\x03\x04")
	})
}

// Separator names what separates the header's names where that is not a comma, and is
// empty otherwise. It is to be called before the first Cut.
func (r *Cutter) Separator() string {
	line := r.head
	if n := bytes.IndexAny(line, "\r\n"); n >= 0 {
		line = line[:n]
	}
	for _, s := range []struct{ sep, name string }{{"\t", "tabs"}, {";", "semicolons"}, {"|", "pipes"}, {"\x01", "the control character 1"}} {
		known := 0
		for _, name := range strings.SplitN(string(line[:min(len(line), PieceBytes)]), s.sep, MaxColumns) {
			if name = strings.Trim(name, `" `); name != "" && r.known != nil && r.known(name) {
				known++
			}
		}
		if known > 1 {
			return s.name
		}
	}
	return ""
}
