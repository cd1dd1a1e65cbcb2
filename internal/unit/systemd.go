package unit

import (
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"rawlogs/internal/config"
)

//go:embed service.tmpl
var serviceText string

var serviceTemplate = template.Must(template.New("service").Funcs(template.FuncMap{"word": systemdWord, "path": systemdLine, "exec": systemdCommand}).Parse(serviceText))

// service is what the template of a service shows.
type service struct {
	Job
	Beside    string // what it does beside the load: serve or web; "" is the load
	Store     string // of the embedded store; "" is a server
	Variables []string
	Loads     []string // ID:PATH of credentials
	Mended    []string // what has to be done by hand first
	EnvFile   string
	Writable  []string // folders beside the service's own
	State     string   // below /var/lib
	ReadsHome bool
	Memory    string
	Patience  int // seconds that a stop may take
}

// Systemd returns a service and its timer, and the user that both want.
func (j Job) Systemd() ([]File, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	s, err := j.service()
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err = serviceTemplate.Execute(&text, s); err != nil {
		return nil, err
	}
	files := []File{
		{j.Name + ".service", text.String()},
		{j.Name + ".timer", j.timer()},
		{j.Name + ".sysusers.conf", fmt.Sprintf("u %s - \"loads raw logs into ClickHouse\" %s\n", j.User, j.state())},
	}
	beside, err := s.beside()
	if err != nil {
		return nil, err
	}
	for _, b := range beside {
		text.Reset()
		if err = serviceTemplate.Execute(&text, b); err != nil {
			return nil, err
		}
		files = append(files, File{j.Name + "-" + b.Beside + ".service", text.String()})
	}
	return files, nil
}

func (j Job) service() (*service, error) {
	s := &service{Job: j, Store: j.embedded(), State: j.Name, Patience: 180}
	if j.Package {
		s.EnvFile = filepath.Join(j.etc(), j.Name+".env")
		s.Variables = []string{"INGEST_CONFIG=" + j.Config, "XDG_CACHE_HOME=" + j.cache()}
		s.Memory = memoryMax(j.Networks[0].Config, true)
		return s, nil
	}
	vars, err := j.variables()
	if err != nil {
		return nil, err
	}
	if j.Config != "" {
		s.Variables = append(s.Variables, "INGEST_CONFIG="+j.Config)
		if closed := closedTo(j.Config); len(closed) > 0 { //guard:unit-reads-config
			paths := strings.Join(closed, " ")
			s.Mended = append(s.Mended, fmt.Sprintf("chgrp %s %s && chmod g+rX %s   # the service reads its settings", s.User, paths, paths))
		}
	}
	set := map[string]bool{}
	for _, v := range vars {
		s.Variables, set[v.Name] = append(s.Variables, v.Name+"="+v.Value), true
	}
	spool := j.Networks[0].Config.Spool
	if spool == "" {
		s.Variables = append(s.Variables, "INGEST_SPOOL="+j.cache()) // /tmp may lie in memory, of which there is little
	}
	if s.Store != "" && j.Networks[0].Config.Origin("store").Kind == config.Default {
		s.Variables = append(s.Variables, "INGEST_STORE=embedded:"+s.Store)
	}
	s.Variables = append(s.Variables, "XDG_CACHE_HOME="+j.cache())
	for _, place := range j.secrets() {
		s.credential(place)
	}
	if s.Store != "" && !set["INGEST_ENGINE_LIBRARY"] && j.Networks[0].Config.Library == "" {
		s.Mended = append(s.Mended, fmt.Sprintf("install -m 644 %s /usr/local/lib/libchdb.so   # the embedded ClickHouse", ShellWord(orWord(j.Library, "libchdb.so"))))
	}
	if err := s.place(s.Store, spool); err != nil {
		return nil, err
	}
	s.Memory = memoryMax(j.Networks[0].Config, s.Store != "")
	return s, nil
}

// credential is how a secret reaches the service: by a file that systemd shows to it
// alone, or by a file of variables where ingest knows no file of the secret.
func (s *service) credential(place config.SecretPlace) {
	switch {
	case place.Origin.Member > 0 && strings.HasPrefix(place.Path, "/run/credentials/"+s.Name+".service/"):
		id := filepath.Base(place.Path)
		s.Loads = append(s.Loads, id+":"+filepath.Join(s.etc(), id))
	case place.Origin.Member > 0:
		s.Mended = append(s.Mended, fmt.Sprintf("%s has to be readable by %s, or %s names /run/credentials/%s.service/%s", place.Path, s.User, place.Origin, s.Name, place.Name))
	case place.File != "" && place.Origin.Name == place.Variable || place.Path != "":
		path := place.Path
		if path == "" {
			path = filepath.Join(s.etc(), place.Name)
			s.Mended = append(s.Mended, fmt.Sprintf("install -D -m 600 /dev/stdin %s   # the %s; root's, as systemd reads it", path, place.Name))
		}
		s.Loads = append(s.Loads, place.Name+":"+path)
		s.Variables = append(s.Variables, place.File+"=%d/"+place.Name)
	default:
		s.EnvFile = filepath.Join(s.etc(), s.Name+".env")
		s.Mended = append(s.Mended, fmt.Sprintf("%s, mode 600 and root's, has to set %s", s.EnvFile, orWord(place.Origin.Name, place.Variable)))
	}
}

// place finds out which folders a service has to write to and to read.
func (s *service) place(store, spool string) error {
	for _, path := range append([]string{store, spool, s.Program}, s.folders()...) {
		if below(path, "/tmp") || below(path, "/var/tmp") {
			return &Error{fmt.Errorf("%s: a service has a temporary folder of its own, which ends with it: name another place", path)}
		}
	}
	for _, path := range []string{store, spool} {
		if path != "" && !below(path, s.state()) && !below(path, s.cache()) {
			s.Writable = append(s.Writable, path)
			s.Mended = append(s.Mended, fmt.Sprintf("install -d -o %s %s", s.User, ShellWord(path)))
		}
	}
	for _, path := range append([]string{store, spool, s.Config, s.Program, s.Networks[0].Config.Library}, s.folders()...) {
		for _, home := range []string{"/home/", "/root/", "/run/user/"} {
			s.ReadsHome = s.ReadsHome || strings.HasPrefix(path, home)
		}
	}
	return nil
}

// closedTo is a file and the folders above it, quoted for a shell, as far as they cannot be
// read by everybody: the service runs as another user than the one that wrote them. A
// file that is not there is nobody's to judge.
func closedTo(path string) (closed []string) {
	for need := fs.FileMode(0o4); ; need = 0o1 {
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		if info.Mode().Perm()&need == 0 {
			closed = append(closed, ShellWord(path))
		}
		if filepath.Dir(path) == path {
			return closed
		}
		path = filepath.Dir(path)
	}
}

// below reports whether a path is a folder or in it.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// memoryMax is what the group of the service's processes may use: ingest's own bound
// and a quarter more for what the bound does not count; for the embedded ClickHouse,
// which keeps to engine_memory, that and 512 MiB for its library, or 4 GiB, of which it keeps
// to 60 %: a load takes few of them, but compiled expressions and wide tables have taken 2 GiB.
func memoryMax(c *config.Config, embedded bool) string {
	bytes := c.MaxMemory + c.MaxMemory/4 + 64<<20
	switch {
	case embedded && c.EngineMemory > 0:
		bytes += c.EngineMemory + 512<<20 // and the pages of its library
	case embedded:
		bytes += 4 << 30
	}
	return fmt.Sprintf("%dM", (bytes+1<<20-1)>>20)
}

func (j Job) timer() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Unit]\nDescription=Load new raw logs\n\n[Timer]\n")
	for _, at := range j.When.At {
		fmt.Fprintf(&b, "OnCalendar=*-*-* %s:00 %s\n", at, j.When.Zone)
	}
	fmt.Fprintf(&b, "# After an outage the run that was missed starts at once.\nPersistent=true\n")
	fmt.Fprintf(&b, "# Many machines do not ask the network in the same second.\nRandomizedDelaySec=%d\n", int(j.When.delay()/time.Second))
	fmt.Fprintf(&b, "\n[Install]\nWantedBy=timers.target\n")
	return b.String()
}

// systemdWord quotes one word of a value that is a list of words (Environment=,
// ReadWritePaths=): specifiers doubled, and C's escapes in double quotes. %d/ at the
// beginning of a variable's value is ours.
func systemdWord(s string) string {
	own := ""
	if name, rest, ok := strings.Cut(s, "=%d/"); ok && !strings.ContainsAny(name, "/ =") {
		own, s = name+"=%d/", rest
	}
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) //guard:systemd-percent
	return `"` + own + s + `"`
}

// systemdCommand quotes one word of a command, in which a variable would be put for a $.
func systemdCommand(s string) string { return strings.ReplaceAll(systemdWord(s), "$", "$$") }

// systemdLine is a text that is a whole value, in which only specifiers mean anything.
func systemdLine(s string) string { return strings.ReplaceAll(s, "%", "%%") }

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
