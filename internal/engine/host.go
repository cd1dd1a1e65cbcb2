//go:build linux && amd64

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/creack/pty"
	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// hostEnv marks the process that becomes the server.
const hostEnv = "RAWLOGS_ENGINE_HOST"

// Files that the host inherits, and its patience.
const (
	hostLockFD = 3
	reportFD   = 4

	listenTimeout = 50 * time.Second
	stopTimeout   = 30 * time.Second
)

// hostSpec travels to the host through its standard input, where no other
// process can read the password.
type hostSpec struct {
	Path     string `json:"path"`
	Library  string `json:"library"`
	TCPPort  int    `json:"tcp_port"`
	HTTPPort int    `json:"http_port"`
	Nonce    string `json:"nonce"`
	User     string `json:"user"`
	Password string `json:"password"`

	ReaderPassword string `json:"reader_password"`
}

// report is the one line that the host tells its starter: it is ready, or why not.
type report struct {
	Error string `json:"error,omitempty"`
	Taken bool   `json:"taken,omitempty"` // a port is another's: others may do
}

// HostMain turns this process into the embedded server if it was started to be
// that, and then does not return. It must be the first call of main, and of
// every TestMain whose tests open an engine.
func HostMain() {
	if os.Getenv(hostEnv) == "" {
		return
	}
	// A terminal's Ctrl-C and a reader that went away are nothing to the server;
	// it ends with its users, or with SIGTERM.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	unix.CloseOnExec(hostLockFD)
	unix.CloseOnExec(reportFD)
	h := &host{report: os.NewFile(reportFD, "report")}
	status := 0
	if err := h.run(); err != nil {
		status = 1
		if !h.tell(report{Error: err.Error()}) {
			fmt.Fprintln(os.Stderr, "engine host:", err)
		}
	}
	// The pipe closes and the lock of the users ends with the process and not
	// before, so that who sees either knows that nothing writes to the folder
	// any more. Unreachable files are closed at any time.
	runtime.KeepAlive(h)
	os.Exit(status)
}

type host struct {
	spec     hostSpec
	folder   folder
	report   *os.File
	alive    *os.File // open, as users is, for as long as this process lives
	users    *os.File
	terminal *os.File // the server reads its commands from the other end

	told     sync.Once
	stop     sync.Once
	stopping chan struct{}
}

// tell sends the report; only the first counts, and is true.
func (h *host) tell(r report) (first bool) {
	h.told.Do(func() {
		first = true
		line, _ := json.Marshal(r) // of two plain fields: cannot fail
		_, _ = h.report.Write(append(line, '\n'))
		_ = h.report.Close() // a starter that is gone needs no report
	})
	return first
}

func (h *host) run() error {
	raw, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("reading what to host: %w", err)
	}
	if err = json.Unmarshal(raw, &h.spec); err != nil {
		return fmt.Errorf("reading what to host: %w", err)
	}
	if err = raiseFileLimit(); err != nil {
		return err
	}
	h.folder = folder(h.spec.Path)
	h.stopping = make(chan struct{})
	// Open for reading too, or the open would wait for the first reader.
	if h.alive, err = os.OpenFile(h.folder.file(alivePipe), os.O_RDWR, 0); err != nil {
		return err
	}
	if err = h.openTerminal(); err != nil {
		return err
	}
	if err = h.stopAtEnd(); err != nil {
		return err
	}
	go h.becomeReady()
	err = h.serve()
	_ = h.folder.remove(endpointFile)
	select {
	case <-h.stopping:
		return nil
	default:
	}
	return errors.Join(errors.New("the server ended unasked"), err)
}

// raiseFileLimit makes room for the server's files: a part of a wide table
// alone has hundreds of them while it is written.
func raiseFileLimit() error {
	const least, plenty = 1024, 65536
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("asking for the limit of open files: %w", err)
	}
	if limit.Cur >= plenty {
		return nil
	}
	for _, want := range []unix.Rlimit{{Cur: plenty, Max: max(plenty, limit.Max)}, {Cur: limit.Max, Max: limit.Max}} {
		// Only root may go above the hard limit.
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &want) == nil {
			limit = want
			break
		}
	}
	if limit.Cur < least {
		return fmt.Errorf("the limit of open files is %d here (ulimit -n); the embedded ClickHouse needs %d", limit.Cur, least)
	}
	return nil
}

// openTerminal puts a terminal of our own in place of standard input. With any
// other the server aborts when a client sends a wrong password or junk.
func (h *host) openTerminal() error {
	master, slave, err := pty.Open()
	if err != nil {
		return fmt.Errorf("opening a terminal for the server: %w", err)
	}
	if err := unix.Dup2(int(slave.Fd()), 0); err != nil {
		return fmt.Errorf("opening a terminal for the server: %w", err)
	}
	h.terminal = master
	go func() { _, _ = io.Copy(io.Discard, master) }() // what it echoes must go somewhere
	return slave.Close()
}

// stopAtEnd stops the server once its last user is gone, or at SIGTERM.
func (h *host) stopAtEnd() error {
	users, err := openLock(h.folder.file(usersLock))
	if err != nil {
		return err
	}
	h.users = users
	go func() {
		// The lock is kept until this process is gone, so that a user who
		// comes now waits for that and then starts a server of its own.
		if err := blockLock(users, unix.LOCK_EX); err != nil {
			fmt.Fprintln(os.Stderr, "engine host: waiting for the last user:", err)
		}
		h.tidy() //guard:engine-tidied
		h.requestStop()
	}()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		h.requestStop()
	}()
	return nil
}

func (h *host) requestStop() {
	h.stop.Do(func() {
		close(h.stopping)
		_ = h.folder.remove(endpointFile)
		time.AfterFunc(stopTimeout, func() {
			// Somebody's query does not end; what is acknowledged is on disk.
			fmt.Fprintln(os.Stderr, "engine host: not stopped in", stopTimeout, "- ending the process")
			os.Exit(1)
		})
		// What is typed while the server makes itself a prompt is lost, so it
		// is asked until it goes.
		go func() {
			for again := time.Tick(time.Second); ; <-again {
				if _, err := h.terminal.WriteString("exit\n"); err != nil {
					fmt.Fprintln(os.Stderr, "engine host: asking the server to stop:", err)
					return
				}
			}
		}()
	})
}

// becomeReady publishes the endpoint once both listeners are open.
func (h *host) becomeReady() {
	ctx, cancel := context.WithTimeout(context.Background(), listenTimeout)
	defer cancel()
	for _, port := range []int{h.spec.TCPPort, h.spec.HTTPPort} {
		err := poll(ctx, func() (bool, error) {
			ours, others, err := listening(port)
			if err == nil && others && !ours {
				err = &takenError{port}
			}
			return ours, err
		})
		if err != nil {
			var taken *takenError
			h.tell(report{Error: fmt.Sprintf("port %d: %v", port, err), Taken: errors.As(err, &taken)})
			h.requestStop()
			return
		}
	}
	err := h.folder.writeEndpoint(endpoint{PID: os.Getpid(), Nonce: h.spec.Nonce, TCPPort: h.spec.TCPPort, HTTPPort: h.spec.HTTPPort, User: h.spec.User, Password: h.spec.Password, ReaderPassword: h.spec.ReaderPassword})
	if err != nil {
		h.tell(report{Error: err.Error()})
		h.requestStop()
		return
	}
	h.tell(report{})
}

type takenError struct{ port int }

func (e *takenError) Error() string { return fmt.Sprintf("port %d is in use", e.port) }

// serve runs the server in this thread until it ends.
func (h *host) serve() error {
	runtime.LockOSThread()
	var setenv func(name, value string, overwrite int32) int32
	purego.RegisterLibFunc(&setenv, purego.RTLD_DEFAULT, "setenv")
	// Go's own environment is a copy that the library does not see. /dev/null
	// would do but for its mode, which the library changes.
	history := h.folder.file(historyFile)
	if setenv("CLICKHOUSE_HISTORY_FILE", history, 1) != 0 {
		return errors.New("setenv CLICKHOUSE_HISTORY_FILE: no memory")
	}
	// The fence lets the library write this file, but make none beside it.
	if err := os.WriteFile(history, nil, 0o600); err != nil {
		return err
	}
	lib, err := purego.Dlopen(h.spec.Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("loading the library: %w", err)
	}
	query, err := purego.Dlsym(lib, "query_stable_v2")
	if err != nil {
		return fmt.Errorf("%s is not a library of ClickHouse %s: %w", h.spec.Library, Version, err)
	}
	if Loaded != nil {
		if err = Loaded(lib, h.spec.Path, h.spec.HTTPPort); err != nil {
			return err
		}
	}
	if err := h.folder.fence(); err != nil { //guard:engine-fence
		if !errors.Is(err, errNoFence) {
			return err
		}
		fmt.Fprintln(os.Stderr, "engine host:", err)
	}
	args := [][]byte{
		[]byte("clickhouse\x00"),
		[]byte("--config-file=" + h.folder.file(configFile) + "\x00"),
		[]byte("--interactive\x00"),
		[]byte("--query=SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP\x00"),
	}
	argv := make([]*byte, len(args)+1)
	for i := range args {
		argv[i] = &args[i][0]
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, p := range argv[:len(args)] {
		pin.Pin(p)
	}
	pin.Pin(&argv[0])
	result, _, _ := purego.SyscallN(query, uintptr(len(args)), uintptr(unsafe.Pointer(&argv[0])))
	if text := resultError(result); text != "" {
		return errors.New(text)
	}
	return nil
}

// resultError reads the text of a failure from the library's answer, a C
// struct of three pointers, a double, two integers and the text.
func resultError(result uintptr) string {
	if result == 0 {
		return ""
	}
	const textOffset = 48
	p := *(**byte)(unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(&result)), textOffset))
	if p == nil {
		return ""
	}
	return unix.BytePtrToString(p)
}
