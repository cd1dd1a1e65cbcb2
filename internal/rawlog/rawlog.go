// Package rawlog holds the words of the field: the log types of a HasOffers
// network, one hourly file of them, and the periods a person asks for.
// It does no I/O and imports nothing of the project.
package rawlog

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// File is one hourly file as a source lists it. Name is its identity, unique
// within its type and the same from every source, in whatever format it is there:
// "20160909/clicks-1473411600-SlY9UO.zip".
type File struct {
	Type Type
	Name string
	Path string        // where its source has it, if that is not Name: a longer key, another folder
	Hour time.Time     // UTC start of the hour, or of the day, whose rows the file holds
	Span time.Duration // how long that is; 0, as in the ledger, is an hour
	Part string        // which of several files of one time, where the name says so
	Size int64         // bytes of the file, packed as it is; -1 where the listing does not tell
	ETag string        // without quotes; "" where the listing does not tell
}

// At is where the file's source has it.
func (f File) At() string {
	if f.Path != "" {
		return f.Path
	}
	return f.Name
}

// NameOf is the identity of a file found under a path: its hour's date
// directory and its base name, as the API names it. So a file is the same one
// from the API, from a mirror in a bucket and from a folder, at whatever depth and
// packed in whatever way.
func NameOf(p string, hour time.Time) string {
	return hour.UTC().Format(DayLayout) + "/" + path.Base(AsNetwork(p))
}

// AsNetwork gives a name the end that the network's own have, .zip, in the place of
// the one of its format.
func AsNetwork(name string) string {
	if stem, _, ok := CutFormat(name); ok { //guard:one-identity
		return stem + ".zip"
	}
	return name
}

// DayLayout is the layout of a date directory: 20160909.
const DayLayout = "20060102"

// ParseName reads type and hour from a file's own name, which looks like
// clicks-1473411600-SlY9UO.zip: the log type, the epoch seconds of the UTC
// start of the hour and six characters; it may end as any format does. Folders before it are free, but where
// the parent is a date directory it must be the hour's, in some time zone: else
// type and hour come with an error that is ErrMisplaced. No error repeats the name.
func ParseName(name string) (Type, time.Time, error) {
	base := path.Base(name)
	stem, _, ok := CutFormat(base)
	if !ok {
		return "", time.Time{}, ErrFormat
	}
	word, rest, ok := strings.Cut(stem, "-")
	if !ok {
		return "", time.Time{}, errShape
	}
	typ, err := ParseType(word)
	if err != nil {
		return "", time.Time{}, err
	}
	digits, suffix, ok := strings.Cut(rest, "-")
	if !ok || suffix == "" {
		return "", time.Time{}, errShape
	}
	sec, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || sec < 0 || sec > maxEpoch {
		return "", time.Time{}, fmt.Errorf("%.40q is not an epoch second between 1970 and 2106", digits)
	}
	hour := time.Unix(sec, 0).UTC()
	if day := path.Base(path.Dir(name)); isDay(day) {
		err = misplaced(hour, hour, day)
	}
	return typ, hour, err
}

// misplaced returns an error where a date directory is not that of a time, in any zone.
func misplaced(from, to time.Time, day string) error {
	if day >= from.Add(west).Format(DayLayout) && day <= to.Add(east).Format(DayLayout) {
		return nil
	}
	return fmt.Errorf("%w: its hour is on %s, its folder says %s", ErrMisplaced, from.Format(DayLayout), day)
}

// ErrFormat is of a name that does not end as a file of any format does.
var ErrFormat = errors.New("not a .zip, .csv.gz, .csv.zst or .csv")

var errShape = errors.New("want TYPE-EPOCH-SUFFIX, then .zip, .csv.gz, .csv.zst or .csv")

// ErrMisplaced is of a raw log in a date directory that is not its hour's.
var ErrMisplaced = errors.New("a raw log in the folder of another day")

// west and east are how far local time is from UTC at most.
const west, east = -12 * time.Hour, 14 * time.Hour

// maxEpoch is the last second that ClickHouse's DateTime can hold.
const maxEpoch = 1<<32 - 1

func isDay(s string) bool {
	if len(s) != len(DayLayout) {
		return false
	}
	_, err := time.Parse(DayLayout, s)
	return err == nil
}
