// Package page gathers what the status page shows: of each network every hour of every
// log type, what is known of its files, and what stands beside them in the store. It
// only looks, asks bounded questions, and knows nothing of how the page looks.
package page

import (
	"github.com/ClickHouse/clickhouse-go/v2"
)

// State is how an hour of a log type stands: a letter, as a calendar of ten years has a
// quarter of a million of them.
type State byte

// The states. An hour that several would fit has the first of Worst.
const (
	Unknown State = '.' // before the first file or after the last one that anybody knows of
	Loaded  State = 'l'
	Noted   State = 'n' // loaded with rejected or rescued rows, or with an open issue
	Differs State = 'd' // the ledger, the store and the network's report do not agree
	Failed  State = 'f'
	Missing State = 'm'
	Loading State = 'w'
	Empty   State = 'e' // a listing since it was due had no file of it
	Soon    State = 's' // not loaded, and deleted by the network within 7 days
	Gone    State = 'g' // not loaded, and no longer at the source
	Pending State = 'p' // not due yet
	Expired State = 'x' // its month is over by the lifetime of the type
)

// Worst lists the states from the one to care for first.
func Worst() []State {
	return []State{Soon, Failed, Missing, Differs, Gone, Loading, Noted, Pending, Loaded, Expired, Empty, Unknown}
}

// Kind says a state to people.
type Kind struct {
	State string `json:"state"`
	Name  string `json:"name"`
	Means string `json:"means"`
}

// Kinds are the states that a calendar shows, in the order of its legend.
func Kinds() []Kind {
	return []Kind{
		{string(Loaded), "Loaded", "every row is in the store"},
		{string(Noted), "Loaded with rejected or rescued", "some lines or values did not fit, or an issue is open"},
		{string(Failed), "Failed", "could not be fetched, read or loaded"},
		{string(Missing), "Missing", "due, and not loaded"},
		{string(Loading), "Loading", "a run is loading it, or died while doing so; the next run continues"},
		{string(Pending), "Not due yet", "the network has not published it yet"},
		{string(Empty), "No file", "due, and the source had none when a run last looked"},
		{string(Expired), "Expired", "its month is over, as ingest schema ttl says: its rows are dropped, and it is not loaded"},
		{string(Gone), "Gone at the source", "not loaded, and the source no longer has it"},
		{string(Soon), "Lost within 7 days", "not loaded, and the network is about to delete it"},
		{string(Differs), "Reconcile disagrees", "ledger, store and the network's report differ"},
	}
}

// Data is the whole page.
type Data struct {
	Made     int64     `json:"made"` // seconds since 1970, by the store's clock
	Version  string    `json:"version"`
	Store    string    `json:"store"`
	Kinds    []Kind    `json:"kinds"`
	Networks []Network `json:"networks"`
	Disk     []Disk    `json:"disk"`
	Headers  []Header  `json:"headers"`
	Warnings []string  `json:"warnings"` // about what could not be gathered

	limits clickhouse.Settings
}

// Network is one network.
type Network struct {
	ID       string         `json:"id"`
	Source   string         `json:"source"` // "": it was not listed
	Looked   int64          `json:"looked"` // seconds: when the source was last listed whole or in part; 0: never
	Zone     Zone           `json:"zone"`
	Headline Headline       `json:"headline"`
	Types    []Calendar     `json:"types"`
	RunIDs   []string       `json:"run_ids"` // that files refer to
	Texts    []string       `json:"texts"`   // errors and issues that files refer to
	Issues   []Issue        `json:"issues"`
	Rejected []Rejected     `json:"rejected"`
	Runs     []Run          `json:"runs"`
	Sums     map[string]int `json:"sums"`               // hours by state
	DaySums  map[string]int `json:"day_sums,omitempty"` // days by state, of what is loaded by day
}

// Headline says in one sentence how a network stands.
type Headline struct {
	Level string `json:"level"` // good, warn or bad
	Text  string `json:"text"`
	More  string `json:"more"`
}

// Zone is the zone of the network's days: minutes ahead of UTC, each from an hour on.
type Zone struct {
	Name string     `json:"name"`
	From [][2]int64 `json:"from"` // hour since 1970, minutes
}

// Calendar is a log type of a network. Hours and days count from 1970, in UTC.
type Calendar struct {
	Type   string   `json:"type"`
	Loader string   `json:"loader"`          // the command that loads a period of it
	Daily  bool     `json:"daily,omitempty"` // its files hold days of the network's zone: its hours are those of their dates
	First  int64    `json:"first"`           // hour of the first state
	States string   `json:"states"`          // "l743m3": 743 hours loaded, then 3 missing
	Day    int64    `json:"day"`             // of the first text of Files
	Files  []string `json:"-"`               // a text for each day, see file.line
	Cut    int64    `json:"cut"`             // files before this day are left out
	Keep   int      `json:"keep"`            // days for which the source keeps files; 0: not known
	Count  bool     `json:"counted"`
	Report []Report `json:"report"`
}

// Report is a day of the network's own report beside the store's rows.
type Report struct {
	Day     string     `json:"day"`
	Store   int64      `json:"store"`
	Network int64      `json:"network"`
	Differs bool       `json:"differs"`
	Hours   [][3]int64 `json:"hours,omitempty"` // hour since 1970, store, network: those that differ
}

// Issue is an open issue of a file.
type Issue struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Hour  int64  `json:"hour"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Since int64  `json:"since"` // seconds
}

// Rejected is a reason for which lines were not rows.
type Rejected struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	Lines  uint64 `json:"lines"`
	Files  uint64 `json:"files"`
	Last   int64  `json:"last"` // hour
}

// Header is a name in the logs whose values are in _rescued.
type Header struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Column bool   `json:"column"` // there is a column; these values did not fit
	Rows   uint64 `json:"rows"`
	Files  uint64 `json:"files"`
	Last   int64  `json:"last"` // hour
}

// Disk is a month of a table.
type Disk struct {
	Table string `json:"table"`
	Month string `json:"month"` // 201609
	Bytes uint64 `json:"bytes"`
	Rows  uint64 `json:"rows"`
}

// Run is a run of a command that changed something.
type Run struct {
	ID      string  `json:"id"`
	Command string  `json:"command"`
	Begun   int64   `json:"begun"` // seconds
	Seconds float64 `json:"seconds"`
	Status  string  `json:"status"` // see runs.Outcome
	Rows    uint64  `json:"rows"`
	Files   uint64  `json:"files"`
	Error   string  `json:"error"`
}

const hourSeconds = 3600
