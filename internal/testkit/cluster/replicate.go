//go:build linux && amd64

package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"

	"rawlogs/internal/engine"
)

// The embedded ClickHouse has all of replication but a few small things, which its LocalServer never
// sets: the address at which other replicas fetch parts, a listener there, and for Replicated
// databases a permission and a pool of threads. A test's server gets them by changing a few
// instructions of the library in its own process, at places that hold for one version of it alone
// and are compared before they are changed. The product does nothing of the kind.

// interserverHost is where a replicating server serves parts to the others, at the port of HTTP:
// of two hosts on which it listens for HTTP the second is given to its parts.
const interserverHost = "127.0.0.2"

// place is where in the library a function begins or a jump is, and what is there.
type place struct {
	at   uintptr // from its load address
	code []byte
}

// Places in engine.Version, by what they do in ClickHouse's sources.
const (
	anchor   = "AdbcDriverInit" // the exported symbol from which the load address is counted
	anchorAt = 0xf2540c0
)

var (
	getInterserverCredentials = place{0x1417c940, []byte{0x41, 0x57, 0x41, 0x56, 0x53, 0x4c, 0x8b, 0x3f}}
	getInterserverIOAddress   = place{0x1417c9c0, []byte{0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x48}}
	getInterserverScheme      = place{0x1417cac0, []byte{0x48, 0x8b, 0x06, 0x80, 0xb8, 0x87, 0x01, 0x00, 0x00, 0x00}}
	handlerOfHTTP             = place{0x18395d32, []byte{0x0f, 0x84, 0xc2, 0x02, 0x00, 0x00}}                  // createHandlerFactory: taken where the name is HTTP's
	mayReplicateDDL           = place{0x142891c0, []byte{0x0f, 0xb6, 0x87, 0x10, 0x09, 0x00, 0x00, 0xc3}}      // DatabaseCatalog::canPerformReplicatedDDLQueries
	createTablesThreadPool    = place{0xf1ce5c0, []byte{0x41, 0x57, 0x41, 0x56, 0x53, 0x48, 0x83, 0xec, 0x20}} // its getter, and that of another pool below
	padding                   = place{0x1417c983, bytes.Repeat([]byte{0xcc}, 60)}                              // between two functions
)

const (
	makeHTTP          = 0x18395ffa // the branches of createHandlerFactory
	makeInterserver   = 0x18395dbc
	cleanerThreadPool = 0xf1ce080 // getMergeTreePartsCleanerThreadPool
)

// Replicate makes the server that this process is about to become one that replicates, if its
// folder says so. It is for engine.Loaded.
func Replicate(library uintptr, folder string, httpPort int) error {
	_, err := os.Stat(filepath.Join(folder, replicates))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	symbol, err := purego.Dlsym(library, anchor)
	if err != nil {
		return err
	}
	base := symbol - anchorAt
	// Never unmapped: the server reads from it for as long as it runs.
	block, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	start := uintptr(unsafe.Pointer(&block[0]))
	const (
		address     = 0    // a short std::string, and a port behind it
		scheme      = 512  // a short std::string
		credentials = 1024 // two empty std::strings, and a vector of one pair of them
		pair        = 2048
		counter     = 3072
	)
	shortString(block[address:], interserverHost)
	binary.LittleEndian.PutUint16(block[address+24:], uint16(httpPort))
	shortString(block[scheme:], "http")
	for i, at := range []uintptr{pair, pair + 48, pair + 48} {
		binary.LittleEndian.PutUint64(block[credentials+48+8*i:], uint64(start+at))
	}
	for _, change := range []struct {
		place place
		code  []byte
	}{
		// mov rax, address; 32 bytes from [rax] to [rdi]; mov rax, rdi; ret
		{getInterserverIOAddress, load(start+address, 0xc5, 0xfc, 0x10, 0x00, 0xc5, 0xfc, 0x11, 0x07, 0xc5, 0xf8, 0x77, 0x48, 0x89, 0xf8, 0xc3)},
		// the same with 24 bytes
		{getInterserverScheme, load(start+scheme, 0xc5, 0xf8, 0x10, 0x00, 0xc5, 0xf8, 0x11, 0x07, 0x48, 0x8b, 0x40, 0x10, 0x48, 0x89, 0x47, 0x10, 0x48, 0x89, 0xf8, 0xc3)},
		// mov rax, credentials; xor edx, edx; ret
		{getInterserverCredentials, load(start+credentials, 0x31, 0xd2, 0xc3)},
		// mov al, 1; ret
		{mayReplicateDDL, []byte{0xb0, 0x01, 0xc3}},
		{createTablesThreadPool, append([]byte{0xe9}, relative(cleanerThreadPool, createTablesThreadPool.at+5)...)},
		{padding, secondIsInterserver(start + counter)},
		{handlerOfHTTP, append([]byte{0x0f, 0x84}, relative(padding.at, handlerOfHTTP.at+6)...)},
	} {
		if err := change.place.put(base, change.code); err != nil {
			return err
		}
	}
	return nil
}

// shortString writes a text as a libc++ std::string has it that keeps it in place.
func shortString(to []byte, text string) {
	copy(to, text)
	to[23] = byte(len(text))
}

// load is `mov rax, value` and what follows.
func load(value uintptr, then ...byte) []byte {
	return append(binary.LittleEndian.AppendUint64([]byte{0x48, 0xb8}, uint64(value)), then...)
}

// relative is the operand of a jump that ends at an address.
func relative(to, end uintptr) []byte {
	return binary.LittleEndian.AppendUint32(nil, uint32(int32(int64(to)-int64(end))))
}

// secondIsInterserver goes on with HTTP's handler the first time, and with that of the replicas
// from then on.
func secondIsInterserver(counter uintptr) []byte {
	code := append([]byte{0x50}, load(counter)...)                                     // push rax; mov rax, counter
	code = append(code, 0x83, 0x38, 0x00, 0x75, 0x08, 0xff, 0x00, 0x58, 0xe9)          // cmp dword [rax], 0; jne +8; inc dword [rax]; pop rax; jmp
	code = append(code, relative(makeHTTP, padding.at+uintptr(len(code))+4)...)        // to HTTP's
	code = append(code, 0x58, 0xe9)                                                    // pop rax; jmp
	return append(code, relative(makeInterserver, padding.at+uintptr(len(code))+4)...) // to the replicas'
}

// put writes code over what is expected to be there.
func (p place) put(base uintptr, code []byte) error {
	page := uintptr(unix.Getpagesize())
	first := (base + p.at) &^ (page - 1)
	region := memory(first, int(2*page))
	if err := unix.Mprotect(region, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC); err != nil {
		return err
	}
	there := region[base+p.at-first:]
	if !bytes.HasPrefix(there, p.code) {
		return fmt.Errorf("the library is not %s: it has other code at %x", engine.Version, p.at)
	}
	copy(there, code)
	return unix.Mprotect(region, unix.PROT_READ|unix.PROT_EXEC)
}

// memory is n bytes from an address on, which are the library's.
func memory(address uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&address))), n)
}
