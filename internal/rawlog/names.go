package rawlog

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names reads the names of a source's files: those that the network gave them, and
// others, which patterns describe: of archives that were renamed or merged. nil knows
// the network's alone. It is safe for concurrent use.
type Names struct{ patterns []*pattern }

// pattern describes names of one kind.
type pattern struct {
	text string // as it was given
	typ  Type   // "": a group says so
	re   *regexp.Regexp
}

// groups are what a pattern may call its groups. Another name is refused: a slip in
// hour would make daily files of hourly ones.
var groups = []string{"type", "epoch", "year", "month", "day", "hour", "part"}

// ParseNames reads patterns, one a line: a regular expression with named groups,
// after the type that all its files have, if they are of one (clicks: …). Its errors
// say what a pattern lacks.
func ParseNames(text string) (*Names, error) {
	n := new(Names)
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		p, err := parsePattern(line)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", line, err)
		}
		n.patterns = append(n.patterns, p)
	}
	return n, nil
}

func parsePattern(line string) (*pattern, error) {
	p := &pattern{text: line}
	for _, t := range Types() {
		if rest, ok := strings.CutPrefix(line, string(t)+":"); ok {
			p.typ, line = t, strings.TrimSpace(rest)
		}
	}
	if line == "" {
		return nil, errors.New("it is empty")
	}
	if _, err := regexp.Compile(line); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	// It describes a name, or its last folders too, from end to end: ^ and $ say
	// nothing more.
	line = strings.TrimPrefix(line, "^")
	if strings.HasSuffix(line, "$") && !strings.HasSuffix(line, `\$`) {
		line = strings.TrimSuffix(line, "$")
	}
	re, err := regexp.Compile(`^(?s:.*/)?(` + line + `)$`)
	if err != nil {
		return nil, err
	}
	p.re = re
	has := func(name string) bool { return slices.Contains(re.SubexpNames(), name) }
	for _, name := range re.SubexpNames() {
		if name != "" && !slices.Contains(groups, name) { //guard:group-known
			return nil, fmt.Errorf("unknown group %q: want some of %s", name, strings.Join(groups, ", "))
		}
	}
	switch {
	case p.typ == "" && !has("type"):
		return nil, errors.New(`it does not say which type a file has: want a group as in (?P<type>clicks|conversions), or the type in front, as in "clicks: …"`)
	case p.typ != "" && has("type"):
		return nil, errors.New("it says twice of which type a file is: by a group, and in front")
	case !has("epoch") && !has("day") && !has("hour"):
		return nil, errors.New(`it does not say which day or hour a file is for: want a group epoch, a day as in (?P<day>\d{8}), or (?P<hour>\d\d) next to it`)
	case has("year") != has("month") && !has("epoch"):
		return nil, errors.New("year and month go together")
	case has("year") && !has("day"):
		return nil, errors.New("it does not say of which day a file is")
	}
	return p, nil
}

// Patterns are the patterns as they were given.
func (n *Names) Patterns() []string {
	if n == nil {
		return nil
	}
	out := make([]string, len(n.patterns))
	for i, p := range n.patterns {
		out[i] = p.text
	}
	return out
}

// Own says of a file that its name is the network's own, and no pattern's.
const Own = -1

// ErrDate is of a name that a pattern describes, whose date does not exist.
var ErrDate = errors.New("no such date")

// File makes of a path the file that its name stands for, and says by which of the
// patterns. The network's own names come first. With an error that is ErrMisplaced or
// ErrNear the file comes, too; no error repeats the whole path.
func (n *Names) File(p string) (f File, by int, err error) {
	typ, hour, err := ParseName(p)
	if err == nil || errors.Is(err, ErrMisplaced) {
		return File{Type: typ, Name: NameOf(p, hour), Path: p, Hour: hour, Size: -1}, Own, err
	}
	if fitted, i, perr, ok := n.byPattern(p); ok {
		return fitted, i, perr
	}
	if like, why, ok := near(p); ok { //guard:near-names
		return like, Own, why
	}
	if like, i, ok := n.nearPattern(p); ok { //guard:near-patterns
		return like, i, fmt.Errorf("%w: files: in the settings describes it, but it does not end with .zip, .csv.gz, .csv.zst or .csv: finish its copy, or repack it", ErrNear)
	}
	if n != nil && len(n.patterns) > 0 {
		err = fmt.Errorf("%w; nor does it fit files: in the settings", err)
	}
	return f, Own, err
}

// byPattern is File for names that one of the patterns describes; ok is false where
// none does.
func (n *Names) byPattern(p string) (f File, by int, err error, ok bool) {
	stem, _, packed := CutFormat(p)
	if n == nil || !packed || litter(p) {
		return f, Own, nil, false
	}
	for i, pattern := range n.patterns {
		m := pattern.match(p, stem)
		if m == nil {
			continue
		}
		f, err = pattern.file(m)
		f.Path = p
		if day := path.Base(path.Dir(p)); err == nil && isDay(day) {
			err = misplaced(f.Hour, f.End(), day)
		}
		return f, i, err, true
	}
	return f, Own, nil, false
}

// nearPattern finds the file that a path would be, if it ended as a file of any format.
func (n *Names) nearPattern(p string) (f File, by int, ok bool) {
	if _, _, packed := CutFormat(p); packed || aside(p) {
		return f, Own, false
	}
	for stem := strings.TrimSuffix(p, path.Ext(p)); stem != p; p, stem = stem, strings.TrimSuffix(stem, path.Ext(stem)) {
		if like, i, err, ok := n.byPattern(stem + ".zip"); ok && err == nil {
			like.Path = p
			return like, i, true
		}
	}
	return f, Own, false
}

// litter reports whether a path is of what a Mac puts beside each file on a foreign
// disk, under its name.
func litter(p string) bool {
	return strings.HasPrefix(path.Base(p), "._") || strings.Contains("/"+p, "/__MACOSX/") //guard:litter-beside
}

// match returns the groups of a name that the pattern describes. How it ends does not
// matter: a file is the same in every format.
func (p *pattern) match(name, stem string) []string {
	if m := p.re.FindStringSubmatch(stem); m != nil {
		return m
	}
	if m := p.re.FindStringSubmatch(name); m != nil {
		return m
	}
	for _, e := range endings {
		if m := p.re.FindStringSubmatch(stem + e.end); m != nil {
			return m
		}
	}
	return nil
}

// file reads a match.
func (p *pattern) file(m []string) (f File, err error) {
	group := func(name string) string {
		for i, of := range p.re.SubexpNames() { // each branch of an alternative may have one
			if of == name && m[i] != "" {
				return m[i]
			}
		}
		return ""
	}
	f = File{Type: p.typ, Size: -1, Part: group("part")}
	if p.typ == "" {
		word := strings.ToLower(group("type"))
		if f.Type, err = ParseType(strings.TrimSuffix(word, "s") + "s"); err != nil {
			return f, err
		}
	}
	if f.Hour, f.Span, err = timeOf(group); err != nil {
		return f, err
	}
	tail, _, _ := CutFormat(m[1])
	f.Name = f.Hour.Format(DayLayout) + "/" + tail
	return f, nil
}

// timeOf reads the beginning and length of a file's time from the groups of a match:
// its hour, or its day where there is none.
func timeOf(group func(string) string) (from time.Time, span time.Duration, err error) {
	if epoch := group("epoch"); epoch != "" {
		var sec int64
		if sec, err = strconv.ParseInt(epoch, 10, 64); err != nil || sec < 0 || sec > maxEpoch {
			return from, 0, fmt.Errorf("%w: %.40q is not an epoch second between 1970 and 2106", ErrDate, epoch)
		}
		return time.Unix(sec, 0).UTC().Truncate(time.Hour), time.Hour, nil
	}
	hour := digits(group("hour"))
	date := digits(group("day"))
	if len(date) != len(DayLayout) {
		date = group("year") + two(group("month")) + two(date)
	}
	if len(hour) == len(DayLayout)+2 { // it says the day, too
		date, hour = hour[:len(DayLayout)], hour[len(DayLayout):]
	}
	from, err = time.Parse(DayLayout, date)
	if err != nil || from.Year() < 1970 || from.Year() > 2105 {
		return from, 0, fmt.Errorf("%w: %.40q is not a day between 1970 and 2105, as in 20160909 or 2016-09-09", ErrDate, date)
	}
	if hour == "" {
		return from, 24 * time.Hour, nil //guard:daily
	}
	h, err := strconv.Atoi(hour)
	if err != nil || h > 23 {
		return from, 0, fmt.Errorf("%w: %.40q is not an hour from 00 to 23", ErrDate, hour)
	}
	return from.Add(time.Duration(h) * time.Hour), time.Hour, nil
}

// digits leaves out what may stand between the digits of a date.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_./T ", r) {
			return -1
		}
		return r
	}, s)
}

// two makes two digits of one.
func two(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// End is when the time of the file's rows ends.
func (f File) End() time.Time { return f.Hour.Add(cmp.Or(f.Span, time.Hour)) }

// Known reads a file's type, part and span from its name in the ledger.
func (n *Names) Known(t Type, name string) (part string, span time.Duration) {
	switch {
	case IsEvents(name):
		return name, time.Hour
	case IsReport(name):
		return "", ConversionReport.Unit()
	}
	if f, ok := n.described(t, name); ok {
		return f.Part, f.Span
	}
	return "", time.Hour
}

// Reads reports whether a file's name in the ledger is the network's own or fits a
// pattern. One that was loaded under other patterns may be of an hour or of a day.
func (n *Names) Reads(t Type, name string) bool {
	if typ, _, err := ParseName(name); IsEvents(name) || IsReport(name) || err == nil && typ == t {
		return true
	}
	_, ok := n.described(t, name)
	return ok
}

// described reads a name in the ledger by the pattern that it fits.
func (n *Names) described(t Type, name string) (File, bool) {
	if n == nil {
		return File{}, false
	}
	_, tail, _ := strings.Cut(name, "/")
	for _, p := range n.patterns {
		if m := p.match(tail, tail); m != nil {
			if f, err := p.file(m); err == nil && f.Type == t && f.Name == name {
				return f, true
			}
		}
	}
	return File{}, false
}

// AreParts reports whether files of one time are parts of it, each another.
func AreParts(parts []string) bool {
	seen := make(map[string]bool)
	for _, part := range parts {
		if part == "" || seen[part] {
			return false
		}
		seen[part] = true
	}
	return true
}

// Meant returns the names that a person's word for a file may mean: the one that the
// ledger has, whatever the format it was found in.
func (n *Names) Meant(word string) []string {
	meant := []string{word, AsNetwork(word)}
	if f, by, err := n.File(word); by != Own && err == nil {
		meant = append(meant, f.Name)
	}
	if stem, _, ok := CutFormat(word); ok {
		meant = append(meant, stem)
	}
	return meant
}
