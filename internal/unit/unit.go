// Package unit writes what runs ingest by the clock: a service and timer of systemd, a
// line of a crontab, the manifests of Kubernetes. Nothing that it writes holds a secret,
// only where each is to be put.
package unit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/config"
	"rawlogs/internal/term"
)

// Job is what is to run, when, and as whom.
type Job struct {
	Name     string // of the units and of what they own: ingest
	Program  string // absolute path of ingest
	User     string // of a service
	Networks []config.Portable
	Config   string // absolute path of ingest.yaml; "" is none
	Library  string // where the embedded ClickHouse's library was found; "" is nowhere
	When     When
	Package  bool // systemd: a package's, before anything is set: all comes from files in /etc
	Serve    bool // systemd: a unit that keeps the embedded ClickHouse open, too
	Web      bool // systemd: a unit that shows the status page of a server, too

	// Of Kubernetes only.
	Image   string
	Storage string // of the embedded store's volume: 50Gi
	Periods []string
	Workers int
}

// File is one file of a unit.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// places of a service that systemd makes and owns, by a unit's name.
func (j Job) state() string { return "/var/lib/" + j.Name }
func (j Job) cache() string { return "/var/cache/" + j.Name }
func (j Job) etc() string   { return "/etc/" + j.Name }

// embedded is the path of the embedded store; "" for a server. Where nobody named one,
// it is the service's own: the default's working folder is a shell's.
func (j Job) embedded() string {
	path, ok := strings.CutPrefix(j.Networks[0].Config.Store, "embedded:")
	switch {
	case !ok:
		return ""
	case j.Networks[0].Config.Origin("store").Kind == config.Default:
		return filepath.Join(j.state(), "clickhouse")
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// variables are the settings that the job's environment has to give: all that
// ingest.yaml does not, or gives by a path that means another place there.
func (j Job) variables() ([]config.Carried, error) {
	var all []config.Carried
	for _, n := range j.Networks {
		for _, v := range n.Plain {
			if v.Moved && v.Origin.Member > 0 {
				return nil, &Error{fmt.Errorf("%s: %s is relative to the working folder, and a unit has another: write %s", v.Origin, v.Name, v.Value)}
			}
			if v.Origin.Kind == config.File && !v.Moved || slices.ContainsFunc(all, func(o config.Carried) bool { return o.Name == v.Name }) {
				continue
			}
			all = append(all, v)
		}
	}
	return all, nil
}

// secrets are where the job's secrets come from, each once. Those of members of
// networks: have their network's id in the name.
func (j Job) secrets() []config.SecretPlace {
	var all []config.SecretPlace
	for _, n := range j.Networks {
		for _, s := range n.Secrets {
			if s.Origin.Kind == config.File && s.Path == "" {
				continue // it stands in ingest.yaml itself, as a store's password may
			}
			if s.Origin.Member > 0 || s.Variable != s.Origin.Name && s.Path == "" {
				s.Name += "-" + n.Config.Network
			}
			if !slices.ContainsFunc(all, func(o config.SecretPlace) bool { return o.Name == s.Name }) {
				all = append(all, s)
			}
		}
	}
	return all
}

// folders are the sources that are folders of this machine.
func (j Job) folders() []string {
	var all []string
	for _, n := range j.Networks {
		if n.Config.Source.Kind != config.Folder {
			continue
		}
		if abs, err := filepath.Abs(n.Config.Source.Folder); err == nil && !slices.Contains(all, abs) {
			all = append(all, abs)
		}
	}
	return all
}

// Error reports a job that cannot be written as what was asked for.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

var nameForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$`)

// check reports what no unit can say.
func (j Job) check() error {
	if !nameForm.MatchString(j.Name) {
		return &Error{fmt.Errorf("--name %q: want small letters, digits and -, such as ingest", j.Name)}
	}
	paths := append([]string{j.Program, j.Config, j.User, j.embedded()}, j.folders()...)
	for _, s := range j.secrets() {
		paths = append(paths, s.Path, s.Variable)
	}
	for _, path := range paths {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return &Error{fmt.Errorf("%q has a control character: a unit cannot name it", path)}
		}
	}
	return nil
}

// When is at which times of day a job runs.
type When struct {
	At   []string // 04:30
	Zone string   // of these times: a name of the zone database
}

var timeForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// Check reports times and zones that are none.
func (w When) Check() error {
	if len(w.At) == 0 {
		return &Error{errors.New("--at: want times of day, such as 04:30,16:30")}
	}
	for _, at := range w.At {
		if !timeForm.MatchString(at) {
			return &Error{fmt.Errorf("--at %q: want times of day, such as 04:30,16:30", at)}
		}
	}
	if _, err := time.LoadLocation(w.Zone); err != nil || w.Zone == "" || w.Zone == "Local" {
		return &Error{fmt.Errorf("--zone %q: want a zone such as UTC or Europe/Prague", w.Zone)}
	}
	return nil
}

// Gap is the longest time between two runs, by the clock of a day without a change of it.
func (w When) Gap() time.Duration {
	var minutes []int
	for _, at := range w.At {
		t, _ := time.Parse("15:04", at) // Check has seen it
		minutes = append(minutes, t.Hour()*60+t.Minute())
	}
	slices.Sort(minutes)
	longest := minutes[0] + 24*60 - minutes[len(minutes)-1]
	for i := 1; i < len(minutes); i++ {
		longest = max(longest, minutes[i]-minutes[i-1])
	}
	return time.Duration(longest) * time.Minute
}

// delay spreads the starts of many machines; it is a small part of the time between runs.
func (w When) delay() time.Duration { return min(w.Gap()/24, 10*time.Minute).Truncate(time.Minute) }

// Print writes files one after the other, each below its name.
func Print(w io.Writer, files []File) error {
	var b strings.Builder
	for i, f := range files {
		if i > 0 {
			b.WriteString("\n")
			if strings.HasSuffix(f.Name, ".yaml") {
				b.WriteString("---\n")
			}
		}
		b.WriteString("# " + f.Name + "\n" + f.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Write writes the files into a folder, which is made if need be. One that is there
// already is replaced whole.
func Write(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		err := term.Replace(filepath.Join(dir, f.Name), func(w io.Writer) error {
			_, err := io.WriteString(w, f.Text)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
