package rawlog

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNear is of a name that says a raw log's type and hour and is not read: in another
// spelling, packed in another way, half copied, unpacked into a folder. Its hour would be
// missing without a word.
var ErrNear = errors.New("named like a raw log, but not read")

// nearName finds a type and an epoch, in seconds or milliseconds, in whatever spelling.
var nearName = regexp.MustCompile(`(?i)(?:^|[^a-z])(click|conversion|impression)s?[-_. ]*(\d{10})(?:\d{3})?(?:[-_ ]+([a-z0-9_-]+))?`)

// beside are the ends of names of what people and tools put beside a file: checksums,
// signatures, marks that it is complete.
var beside = []string{".md5", ".sha1", ".sha256", ".sha512", ".crc", ".sfv", ".asc", ".sig", ".ok", ".done", ".ready", ".json", ".xml", ".log"}

// near returns the raw log that a path is taken for by people, under the name that it
// would have, with an error that is ErrNear and says what keeps it from being read; ok is
// false where it does not look like one.
func near(p string) (f File, err error, ok bool) {
	base := path.Base(p)
	if aside(p) {
		return f, nil, false
	}
	_, _, packed := CutFormat(base)
	why := "rename it to %s"
	m := nearName.FindStringSubmatch(base)
	switch folder := path.Base(path.Dir(p)); {
	case m != nil && !packed:
		why = "a raw log ends with .zip, .csv.gz, .csv.zst or .csv: finish its copy, or repack it as %s"
	case m == nil && packed:
		if m = nearName.FindStringSubmatch(folder); m == nil {
			return f, nil, false
		}
		why = "it is in a folder named like a raw log: repack it as %s"
	case m == nil:
		return f, nil, false
	}
	sec, _ := strconv.ParseInt(m[2], 10, 64) // ten digits
	if sec > maxEpoch {
		return f, nil, false
	}
	typ := Type(strings.ToLower(m[1]) + "s")
	name := fmt.Sprintf("%s-%d", typ, sec)
	if m[3] != "" {
		name += "-" + m[3]
	}
	hour := time.Unix(sec, 0).UTC()
	name += ".zip"
	f = File{Type: typ, Name: NameOf(name, hour), Path: p, Hour: hour, Size: -1}
	return f, fmt.Errorf("%w: %s", ErrNear, fmt.Sprintf(why, name)), true
}

// aside reports whether a path is of what lies beside files: litter, hidden files, and
// what says something about another file.
func aside(p string) bool {
	base := strings.ToLower(path.Base(p))
	return strings.HasPrefix(base, ".") || litter(p) || slices.ContainsFunc(beside, func(end string) bool { return strings.HasSuffix(base, end) })
}
