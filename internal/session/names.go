package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/listing"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// class is why a name of a source is left out, for people.
type class string

const (
	noFormat    class = "of no format that is read (.zip, .csv.gz, .csv.zst, .csv)"
	noName      class = "not named like a raw log"
	otherFormat class = "of a file that is taken in another format"
	otherCopy   class = "copies of a file that is taken"
)

func classOf(why error) class {
	switch {
	case errors.Is(why, rawlog.ErrFormat):
		return noFormat
	case errors.Is(why, listing.ErrOtherFormat):
		return otherFormat
	case errors.Is(why, listing.ErrOtherCopy):
		return otherCopy
	}
	return noName
}

// leftOut gathers the names that a walk leaves out, some of each class.
type leftOut struct {
	counts map[class]int
	some   map[class][]string
}

func (l *leftOut) add(name string, why error) {
	const most = 3
	c := classOf(why)
	if l.counts[c]++; len(l.some[c]) < most {
		l.some[c] = append(l.some[c], plain.Name(name))
	}
}

// checkNames says what a load of everything would take from a bucket or folder and
// what not, by the names alone.
func (s *Session) checkNames(ctx context.Context, src dirs.Source) []Finding {
	const what = "names"
	if s.Config.Source.Kind == config.API {
		return nil
	}
	out := &leftOut{map[class]int{}, map[class][]string{}}
	s.leftOut = out
	defer func() { s.leftOut = nil }()
	taken, types, formats := 0, map[rawlog.Type]int{}, map[rawlog.Format]int{}
	err := src.Walk(ctx, rawlog.Types(), nil, func(f rawlog.File) error {
		_, format, _ := rawlog.CutFormat(f.At())
		taken++
		types[f.Type]++
		formats[format]++
		return nil
	})
	var part *dirs.Incomplete
	if err != nil && !errors.As(err, &part) {
		return failure(what, err)
	}
	var of []string
	for _, t := range rawlog.Types() {
		if types[t] > 0 {
			of = append(of, fmt.Sprintf("%d %s", types[t], t))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(formats)) {
		of = append(of, fmt.Sprintf("%d as %s", formats[f], f))
	}
	found := []Finding{{Level: "ok", What: what, Detail: fmt.Sprintf("%d files to take: %s", taken, strings.Join(of, ", "))}}
	for _, c := range []class{noName, noFormat, otherFormat, otherCopy} {
		if out.counts[c] == 0 {
			continue
		}
		f := Finding{Level: "ok", What: what, Detail: fmt.Sprintf("%d left out, %s: %s", out.counts[c], c, strings.Join(out.some[c], ", "))}
		if n := out.counts[c] - len(out.some[c]); n > 0 {
			f.Detail += fmt.Sprintf(" and %d more", n)
		}
		if c == noName {
			f.Level, f.Hint = "warn", "if they are logs, describe their names with files: in the settings, see docs/sources.md"
		}
		found = append(found, f)
	}
	if part != nil && len(part.Files) > 0 { //guard:check-doubtful
		found = append(found, failure(what, part)...)
	}
	return found
}
