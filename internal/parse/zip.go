package parse

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"rawlogs/internal/rawlog"
)

// zipError tells what is wrong with a ZIP.
func zipError(format string, args ...any) *Error {
	return &Error{Format: rawlog.Zip, Reason: fmt.Sprintf(format, args...)}
}

// Methods of compression that an entry may have.
// localHead begins the local header of an entry.
const localHead = "PK\x03\x04"

const (
	methodStored  = 0
	methodDeflate = 8
)

// entry is the one file of a ZIP.
type entry struct {
	size       int64 // inflated, as declared
	compressed int64
	crc32      uint32
	method     uint16

	r      io.ReaderAt
	offset int64 // of the compressed data
}

// Sizes of the records of a ZIP, without their variable parts.
const (
	localLen     = 30
	centralLen   = 46
	endLen       = 22
	locator64Len = 20
	end64Len     = 56
	maxComment   = 1<<16 - 1
)

// directory is what the end of an archive says of its central directory.
type directory struct {
	at      int64 // where the record that describes it begins
	entries uint64
	size    uint64
	offset  uint64
}

// openZip returns the archive's one file. Folders and what operating systems add
// to archives do not count, nor do empty files beside it. No file or several are a
// *Error that says how many; the number of entries is read before any of them is
// looked at, so that a hostile directory costs nothing. Errors of r are returned as
// they are.
func openZip(r io.ReaderAt, size int64) (*entry, error) {
	d, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	if d.entries == 0 || d.entries > mostEntries || d.entries > 1 && d.size > mostDirectory {
		return nil, zipError("%d entries where one is expected", d.entries)
	}
	if d.size > uint64(d.at) || d.offset > uint64(d.at)-d.size {
		return nil, zipError("the central directory lies outside the archive")
	}
	// Bytes before the archive shift every offset in it.
	shift := d.at - int64(d.size) - int64(d.offset)
	if shift > 0 {
		var first, last [4]byte // of what lies before, and of the archive
		if err := errors.Join(readFull(r, first[:], 0), readFull(r, last[:], shift)); err != nil {
			return nil, err
		}
		if string(first[:]) == localHead && string(last[:]) == localHead { //guard:zip-joined
			return nil, zipError("it is two archives joined to one, of which a reader sees the last: take them apart")
		}
	}
	return openEntry(r, d, shift)
}

func findDirectory(r io.ReaderAt, size int64) (directory, error) {
	// Comments are rare and the tail that could hold the longest is not small
	// beside an hour of a small network, so a short one is looked at first. The
	// last record counts, so what is found in it is what the long one would show.
	const short = 1 << 10
	for _, most := range []int64{short, endLen + maxComment} {
		tail := make([]byte, min(max(size, 0), most))
		if err := readFull(r, tail, size-int64(len(tail))); err != nil {
			return directory{}, err
		}
		d, found, err := lastDirectory(r, size, tail)
		if found || err != nil {
			return d, err
		}
	}
	if size == 0 {
		return directory{}, zipError("it is empty")
	}
	return directory{}, zipError("no end of central directory: not a ZIP, or cut short") //guard:zip-directory
}

// lastDirectory looks for the last record in the archive's tail.
func lastDirectory(r io.ReaderAt, size int64, tail []byte) (d directory, found bool, err error) {
	for i := len(tail) - endLen; i >= 0; i-- {
		if string(tail[i:i+4]) != "PK\x05\x06" {
			continue
		}
		end := tail[i:]
		if comment := int(binary.LittleEndian.Uint16(end[20:])); endLen+comment > len(end) {
			continue
		}
		d = directory{
			at:      size - int64(len(end)),
			entries: uint64(binary.LittleEndian.Uint16(end[10:])),
			size:    uint64(binary.LittleEndian.Uint32(end[12:])),
			offset:  uint64(binary.LittleEndian.Uint32(end[16:])),
		}
		disk, first, here := binary.LittleEndian.Uint16(end[4:]), binary.LittleEndian.Uint16(end[6:]), binary.LittleEndian.Uint16(end[8:])
		if d.entries == 0xffff || d.size == 0xffffffff || d.offset == 0xffffffff {
			d, err = find64(r, d)
			return d, true, err
		}
		if disk != 0 || first != 0 || uint64(here) != d.entries {
			return d, true, zipError("it is part of a set of several")
		}
		d.at, err = before64(r, d)
		return d, true, err
	}
	return directory{}, false, nil
}

// before64 returns where a directory ends: before a zip64 record, too, where one is
// there that repeats the numbers. Info-ZIP writes such for what comes from a pipe.
func before64(r io.ReaderAt, d directory) (int64, error) {
	at := d.at - locator64Len - end64Len
	if at < 0 {
		return d.at, nil
	}
	var both [end64Len + locator64Len]byte
	if err := readFull(r, both[:], at); err != nil {
		return d.at, err
	}
	le := binary.LittleEndian
	if string(both[:4]) == "PK\x06\x06" && string(both[end64Len:][:4]) == "PK\x06\x07" && //guard:zip64-beside
		le.Uint64(both[32:]) == d.entries && le.Uint64(both[40:]) == d.size && le.Uint64(both[48:]) == d.offset {
		return at, nil
	}
	return d.at, nil
}

// find64 reads the zip64 record that stands for a record too small for its
// numbers. Where there is none the small numbers were meant.
func find64(r io.ReaderAt, d directory) (directory, error) {
	if d.at < locator64Len+end64Len {
		return d, nil
	}
	var locator [locator64Len]byte
	if err := readFull(r, locator[:], d.at-locator64Len); err != nil {
		return d, err
	}
	if string(locator[:4]) != "PK\x06\x07" {
		return d, nil
	}
	at := binary.LittleEndian.Uint64(locator[8:])
	if at > uint64(d.at)-locator64Len-end64Len {
		return d, zipError("the zip64 record lies outside the archive")
	}
	var end [end64Len]byte
	if err := readFull(r, end[:], int64(at)); err != nil {
		return d, err
	}
	if string(end[:4]) != "PK\x06\x06" {
		return d, zipError("no zip64 record where it should be")
	}
	return directory{
		at:      int64(at),
		entries: binary.LittleEndian.Uint64(end[32:]),
		size:    binary.LittleEndian.Uint64(end[40:]),
		offset:  binary.LittleEndian.Uint64(end[48:]),
	}, nil
}

// Bounds of an archive with more than the one entry.
const (
	mostEntries   = 100
	mostDirectory = 1 << 20
	// longestHead is what one entry takes in the directory at most.
	longestHead = centralLen + 3*(1<<16)
)

// openEntry finds the entry that is the file.
func openEntry(r io.ReaderAt, d directory, shift int64) (*entry, error) {
	if d.size < centralLen {
		return nil, errDirectoryShort
	}
	most := d.size
	if d.entries == 1 {
		most = min(most, longestHead)
	}
	rest := make([]byte, most)
	if err := readFull(r, rest, int64(d.offset)+shift); err != nil {
		return nil, err
	}
	var files, empty []head
	var folder string
	for range d.entries {
		h, length, err := readHead(rest)
		if err != nil {
			return nil, err
		}
		rest = rest[length:]
		switch {
		case h.folder(): //guard:zip-folder
			folder = h.name
		case h.litter(): //guard:zip-litter
		case h.sizes[0] == 0:
			empty = append(empty, h)
		default:
			files = append(files, h)
		}
	}
	if len(files) == 0 {
		files = empty
	}
	switch {
	case len(files) == 0 && folder != "":
		return nil, zipError("it holds no file, only the folder %.100q", folder)
	case len(files) == 0:
		return nil, zipError("it holds no file, only what an operating system adds to archives")
	case len(files) > 1: //guard:one-entry
		return nil, zipError("%d entries where one is expected", len(files))
	}
	return files[0].entry(r, d, shift)
}

var errDirectoryShort = zipError("the central directory is cut short")

// head is an entry as the central directory has it.
type head struct {
	name          string
	flags, method uint16
	crc           uint32
	sizes         [3]uint64 // inflated, compressed, offset: the order of the zip64 field
}

// readHead reads the entry at the beginning of t, and returns how long it is there.
func readHead(t []byte) (h head, length int, err error) {
	if len(t) < centralLen {
		return h, 0, errDirectoryShort
	}
	if string(t[:4]) != "PK\x01\x02" {
		return h, 0, zipError("no central directory where it should be")
	}
	le := binary.LittleEndian
	nameLen, extraLen, commentLen := int(le.Uint16(t[28:])), int(le.Uint16(t[30:])), int(le.Uint16(t[32:]))
	if centralLen+nameLen+extraLen > len(t) {
		return h, 0, errDirectoryShort
	}
	h = head{
		name:   string(t[centralLen:][:nameLen]),
		flags:  le.Uint16(t[8:]),
		method: le.Uint16(t[10:]),
		crc:    le.Uint32(t[16:]),
		sizes:  [3]uint64{uint64(le.Uint32(t[24:])), uint64(le.Uint32(t[20:])), uint64(le.Uint32(t[42:]))},
	}
	err = extra64(t[centralLen+nameLen:][:extraLen], &h.sizes)
	return h, min(centralLen+nameLen+extraLen+commentLen, len(t)), err
}

// folder reports whether the entry is a folder, which some write with a backslash.
func (h head) folder() bool {
	return h.sizes[0] == 0 && (strings.HasSuffix(h.name, "/") || strings.HasSuffix(h.name, `\`))
}

// litter reports whether the entry is what operating systems add to archives: a
// Mac's resource forks and folder settings, Windows' thumbnails.
func (h head) litter() bool {
	name := strings.ReplaceAll(h.name, `\`, "/")
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._") ||
		base == ".DS_Store" || base == "Thumbs.db" || base == "desktop.ini"
}

// packers are the methods that archivers use besides deflate.
var packers = map[uint16]string{
	1: "shrink", 6: "implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd",
}

// entry checks what the directory says and finds the data.
func (h head) entry(r io.ReaderAt, d directory, shift int64) (*entry, error) {
	const encrypted, strong, masked = 1 << 0, 1 << 6, 1 << 13
	switch {
	case h.flags&(encrypted|strong|masked) != 0: //guard:zip-encrypted
		return nil, zipError("its entry is encrypted")
	case h.method != methodStored && h.method != methodDeflate: //guard:zip-method
		reason := fmt.Sprintf("its entry is packed by method %d; deflate and stored are known", h.method)
		if name := packers[h.method]; name != "" {
			reason += fmt.Sprintf(": this is %s, pack it again with deflate", name)
		}
		return nil, zipError("%s", reason)
	case h.sizes[0] > 1<<62 || h.sizes[1] > 1<<62 || h.sizes[2] > 1<<62:
		return nil, zipError("its entry's sizes are impossible")
	}
	e := &entry{
		size: int64(h.sizes[0]), compressed: int64(h.sizes[1]), crc32: h.crc, method: h.method,
		r: r,
	}
	if e.method == methodStored && e.size != e.compressed {
		return nil, zipError("its entry is stored, and its two sizes differ")
	}
	return e, e.locate(int64(h.sizes[2])+shift, d)
}

// extra64 takes from the extra fields what did not fit into 32 bits.
func extra64(extra []byte, sizes *[3]uint64) error {
	wanted := 0
	for _, n := range sizes {
		if n == 0xffffffff {
			wanted++
		}
	}
	for len(extra) >= 4 && wanted > 0 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			break
		}
		field := extra[:n]
		extra = extra[n:]
		if id != 1 {
			continue
		}
		if n < 8*wanted {
			return zipError("its zip64 field is cut short")
		}
		for i := range sizes {
			if sizes[i] == 0xffffffff {
				sizes[i] = binary.LittleEndian.Uint64(field)
				field = field[8:]
			}
		}
		return nil
	}
	return nil
}

// locate finds the data behind the local header, whose own sizes may be left
// to a data descriptor and are not relied on.
func (e *entry) locate(at int64, d directory) error {
	if at < 0 || at > d.at-localLen {
		return zipError("its entry lies outside the archive")
	}
	var head [localLen]byte
	if err := readFull(e.r, head[:], at); err != nil {
		return err
	}
	if string(head[:4]) != localHead {
		return zipError("no entry where it should be")
	}
	e.offset = at + localLen + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	if e.compressed > d.at-int64(d.size)-e.offset {
		return zipError("its entry reaches into the central directory: cut short")
	}
	return nil
}

// data reads the compressed bytes.
func (e *entry) data() *io.SectionReader { return io.NewSectionReader(e.r, e.offset, e.compressed) }

func readFull(r io.ReaderAt, p []byte, at int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := r.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return &Error{Format: rawlog.Zip, Reason: "cut short", Err: io.ErrUnexpectedEOF}
	}
	return err
}
