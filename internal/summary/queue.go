package summary

import (
	"fmt"
	"io"
	"strings"

	"rawlogs/internal/pipeline"
	"rawlogs/internal/plain"
	"rawlogs/internal/queue"
	"rawlogs/internal/term"
)

// Queue is what was taken from a queue. Its JSON names are a promise.
type Queue struct {
	Network  string `json:"network"`
	Queue    string `json:"queue"`
	Archive  string `json:"archive"`
	Store    string `json:"store"`
	Messages struct {
		Received   int `json:"received"`     // each as often as it came
		Lost       int `json:"lost_answers"` // that the queue gave, and that did not arrive
		Repeated   int `json:"repeated"`     // of those: that came again while they were worked on
		Deleted    int `json:"deleted"`
		Undeleted  int `json:"undeleted"`  // loaded, but not deleted: they come again
		Unreadable int `json:"unreadable"` // of which something was put aside
	} `json:"messages"`
	Files    int    `json:"files"`    // written into the archive, and loaded
	Rows     uint64 `json:"rows"`     // new in the store
	LeftOut  uint64 `json:"left_out"` // events that were there already
	Rejected uint64 `json:"rejected"` // put aside in rejected_rows
	// Forgotten are events of people who were forgotten, which were not stored.
	Forgotten uint64       `json:"forgotten"`
	Inserts   int          `json:"inserts"`
	Failures  []File       `json:"failures,omitempty"` // files of the archive that could not be loaded
	Differ    []Difference `json:"count_differences,omitempty"`
}

// OfQueue sums up what was taken from a queue. Place's source is the archive.
func OfQueue(at Place, url string, s queue.Summary, loads []pipeline.Summary) Queue {
	out := Queue{Network: at.Network, Queue: url, Archive: at.Source, Store: at.Store, Files: s.Files}
	m := &out.Messages
	m.Received, m.Lost, m.Repeated, m.Deleted, m.Undeleted, m.Unreadable = s.Received, s.Lost, s.Repeated, s.Deleted, s.Undeleted, s.Unreadable
	for _, l := range loads {
		out.Rows += l.Rows
		out.LeftOut += l.LeftOut
		out.Rejected += l.Rejected
		out.Forgotten += l.Forgotten
		out.Inserts += l.Inserts
		for _, f := range l.Failures {
			out.Failures = append(out.Failures, describeFile(f.File, f.Err))
		}
		for _, d := range l.Mismatches {
			out.Differ = append(out.Differ, describeDifference(d))
		}
	}
	return out
}

// String prints the sums, and what failed.
func (q Queue) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "network %s: %s → %s → %s\n", plain.Text(q.Network), plain.Text(q.Queue), plain.Text(q.Archive), plain.Text(q.Store))
	m := q.Messages
	fmt.Fprintf(&b, "messages  received %s, deleted %s", term.Count(m.Received), term.Count(m.Deleted))
	if n := m.Received - m.Repeated - m.Deleted; n > 0 {
		fmt.Fprintf(&b, ", left in the queue %s", term.Count(n))
	}
	forgotten := ""
	if q.Forgotten > 0 {
		forgotten = " + forgotten " + term.Count(q.Forgotten)
	}
	fmt.Fprintf(&b, "\nevents    read %s = stored %s + left out %s + rejected %s%s, in %s and %s\n", term.Count(q.Rows+q.LeftOut+q.Rejected+q.Forgotten),
		term.Count(q.Rows), term.Count(q.LeftOut), term.Count(q.Rejected), forgotten, term.Plural(q.Files, "file"), term.Plural(q.Inserts, "insert"))
	for _, f := range q.Failures {
		fmt.Fprintf(&b, "failed: %s\n", plain.Text(f.Type+" "+f.at()+": "+f.Error))
	}
	for _, d := range q.Differ {
		fmt.Fprintf(&b, "count differs: %s\n", plain.Text(d.String()))
	}
	return b.String()
}

// Print writes the sums for people.
func (q Queue) Print(w io.Writer) error {
	_, err := io.WriteString(w, q.String())
	return err
}

// Verdict says what is left to care for; "" if nothing is.
func (q Queue) Verdict() string {
	var what []string
	if n := len(q.Failures); n > 0 {
		what = append(what, fmt.Sprintf("%s of the archive failed and will be tried again by the next run", term.Plural(n, "file")))
	}
	if n := len(q.Differ); n > 0 {
		what = append(what, fmt.Sprintf("the counts of %s differ from the ledger", term.Plural(n, "file")))
	}
	if q.Rejected > 0 {
		what = append(what, fmt.Sprintf("%s rejected; see the table rejected_rows", term.Plural(q.Rejected, "message")))
	}
	return strings.Join(what, "; ")
}
