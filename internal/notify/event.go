package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/plain"
	"rawlogs/internal/term"
)

// Event is a change that a webhook hears of. Its JSON names are a promise.
type Event string

// The events.
const (
	Failed        Event = "failed"         // the command failed, and had not before
	Recovered     Event = "recovered"      // it works, and had failed before
	FilesFailed   Event = "files_failed"   // files that had not failed before could not be loaded
	HoursExpiring Event = "hours_expiring" // the network is about to delete files that are not loaded
)

// State is what a command's exit status says of a network's state.
type State string

// The states. A run that another one kept from working, or that was interrupted, says
// nothing.
const (
	OK      State = "ok" // files may have issues: those are told by themselves
	Broken  State = "failed"
	Unknown State = "unknown"
)

// StateOf is what an exit status of ingest says.
func StateOf(status int) State {
	switch status {
	case 0, 3:
		return OK
	case 75, 130:
		return Unknown
	default:
		return Broken
	}
}

// Report is what became of a command on a network, secrets hidden.
type Report struct {
	Network string
	Command string
	Run     string
	Host    string
	Release string
	Begun   time.Time
	Ended   time.Time
	Status  int // exit status
	Error   string
	Summary string
}

// File is one that could not be loaded. Its JSON names are a promise.
type File struct {
	Type  string    `json:"type"`
	Name  string    `json:"name"`
	Hour  time.Time `json:"hour"`
	Error string    `json:"error"`
}

// Hour is one with files that are not loaded. Its JSON names are a promise.
type Hour struct {
	Type   string    `json:"type"`
	Hour   time.Time `json:"hour"`
	Files  int       `json:"files"`
	LostAt time.Time `json:"lost_at"` // the network may delete them from then on
}

// Change is an event with what is particular about it.
type Change struct {
	Event  Event
	Former State
	Files  []File // of FilesFailed
	Hours  []Hour // of HoursExpiring
}

// Turn is the change from a former state to what a status says now; ok is false if
// nothing changed. A first failure is a change, a first success is not.
func Turn(former State, status int) (c Change, ok bool) {
	now := StateOf(status)
	switch {
	case now == Broken && former != Broken: //guard:notify-failed-once
		return Change{Event: Failed, Former: former}, true
	case now == OK && former == Broken: //guard:notify-recovered-once
		return Change{Event: Recovered, Former: former}, true
	}
	return Change{}, false
}

// message is what a webhook is sent. Its JSON names are a promise: they are only ever
// added to.
type message struct {
	Event      Event     `json:"event"`
	Text       string    `json:"text"` // for people: Slack and its kin show it
	Network    string    `json:"network"`
	Command    string    `json:"command"`
	Run        string    `json:"run"`
	Host       string    `json:"host"`
	Release    string    `json:"release"`
	Begun      time.Time `json:"begun"`
	Ended      time.Time `json:"ended"`
	ExitStatus int       `json:"exit_status"`
	State      State     `json:"state"`
	Former     State     `json:"former_state"`
	Error      string    `json:"error,omitempty"`
	Files      []File    `json:"files,omitempty"` // the first mostListed
	FilesTotal int       `json:"files_total,omitempty"`
	Hours      []Hour    `json:"hours,omitempty"` // the first mostListed
	HoursTotal int       `json:"hours_total,omitempty"`
	Summary    string    `json:"summary,omitempty"`
}

// What bounds a message: receivers refuse large ones.
const (
	mostListed  = 50
	mostNamed   = 5 // in Text
	mostSummary = 10_000
	mostError   = 1000
)

// Message is the JSON of a change. hide takes secrets out of a text.
func (c Change) Message(r Report, hide func(string) string) ([]byte, error) {
	m := message{
		Event: c.Event, Network: r.Network, Command: r.Command, Run: r.Run, Host: r.Host, Release: r.Release,
		Begun: r.Begun.UTC(), Ended: r.Ended.UTC(), ExitStatus: r.Status, State: StateOf(r.Status), Former: c.Former,
		Error: plain.Cut(hide(r.Error), mostError), Summary: plain.Cut(hide(r.Summary), mostSummary),
		FilesTotal: len(c.Files), HoursTotal: len(c.Hours), Hours: c.Hours[:min(len(c.Hours), mostListed)],
	}
	for _, f := range c.Files[:min(len(c.Files), mostListed)] {
		f.Name, f.Error = hide(f.Name), plain.Cut(hide(f.Error), mostError)
		m.Files = append(m.Files, f)
	}
	m.Text = plain.Cut(tame(hide(c.text(r))), 2*mostError)
	return json.MarshalIndent(m, "", "  ")
}

// text says it in a line or a few.
func (c Change) text(r Report) string {
	var b strings.Builder
	who := "ingest " + r.Command + " of " + r.Network
	switch c.Event {
	case Failed:
		fmt.Fprintf(&b, "%s failed on %s (exit status %d): %s", who, r.Host, r.Status, plain.Text(r.Error))
	case Recovered:
		fmt.Fprintf(&b, "%s works again on %s (exit status %d)", who, r.Host, r.Status)
	case FilesFailed:
		fmt.Fprintf(&b, "%s: %s could not be loaded", who, term.Plural(len(c.Files), "file"))
		list(&b, c.Files, func(f File) string { return f.Type + " " + f.Name + ": " + f.Error })
	case HoursExpiring:
		fmt.Fprintf(&b, "%s: the network is about to delete %s of logs that could not be loaded yet", who, term.Plural(len(c.Hours), "hour"))
		list(&b, c.Hours, func(h Hour) string {
			return fmt.Sprintf("%s %s, deleted from %s on", h.Type, term.Minute(h.Hour), h.LostAt.UTC().Format(time.DateOnly))
		})
	}
	return b.String()
}

func list[T any](b *strings.Builder, all []T, line func(T) string) {
	for _, one := range all[:min(len(all), mostNamed)] {
		b.WriteString("\n- " + plain.Text(line(one)))
	}
	if more := len(all) - mostNamed; more > 0 {
		fmt.Fprintf(b, "\n… and %d more", more)
	}
}

// tame takes away what chats act on: the names of files are others' words, and a name like
// <!channel> would wake everybody.
func tame(text string) string {
	return strings.NewReplacer("<", "‹", ">", "›", "@", "(at)").Replace(text) //guard:notify-tame
}

// Hears reports whether a webhook with this list of events hears of e; an empty list
// hears of all.
func (e Event) Hears(on []string) bool { return len(on) == 0 || slices.Contains(on, string(e)) }
