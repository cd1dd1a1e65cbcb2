package summary

import (
	"fmt"
	"slices"
	"strings"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/status"
	"rawlogs/internal/term"
)

// Verdict says what is left to care for; "" if nothing is.
func (s Load) Verdict() string {
	var what []string
	if s.Barren {
		what = append(what, status.NoRawLogs(s.Source))
	}
	if n := len(s.Failures); n > 0 {
		what = append(what, fmt.Sprintf("%s failed and will be tried again by the next run", term.Plural(n, "file")))
	}
	if len(s.Refused) > 0 {
		what = append(what, "the source does not list "+typeNames(s.Refused)+"; --type names the others")
	}
	if n := len(s.Unread); n > 0 {
		what = append(what, fmt.Sprintf("%s of the source could not be read", term.Plural(n, "name")))
	}
	if len(s.Missing) > 0 { //guard:lost-files-tell
		what = append(what, fmt.Sprintf("%s not loaded and no longer listed by the source", term.Plural(len(s.Missing), "file")))
	}
	if s.Rejected > 0 && slices.ContainsFunc(s.Issues, func(i status.Issue) bool { return i.Kind == string(checkpoint.Rejected) }) {
		what = append(what, fmt.Sprintf("%s rejected; see the table rejected_rows", term.Plural(s.Rejected, "row")))
	}
	if len(s.Undropped) > 0 { //guard:undropped-told
		what = append(what, "months that are over were not dropped")
	}
	if n := s.others(); n > 0 { //guard:issues-tell
		what = append(what, status.OpenIssues(n))
	}
	return strings.Join(what, "; ")
}

// untold are the issues of files that the summary has not named as failed or lost.
func (s Load) untold() []status.Issue {
	named := map[string]bool{}
	for _, f := range append(s.Failures[:len(s.Failures):len(s.Failures)], s.Missing...) {
		named[f.Type+" "+f.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(s.Issues), func(i status.Issue) bool { return named[i.Type+" "+i.Name] })
}

// others counts the files of untold.
func (s Load) others() int {
	files := map[string]bool{}
	for _, i := range s.untold() {
		files[i.Type+" "+i.Name] = true
	}
	return len(files)
}

func typeNames(types []Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Type
	}
	return strings.Join(names, " and ")
}
