package load

import (
	"encoding/binary"
	"time"
)

// Clock turns the local times of one file into instants, and keeps account of
// how far they lie from the file's hour. It is not safe for concurrent use.
//
// A local time that the zone repeats in autumn is taken as the one in, or
// nearest to, the file's hour. One that the zone skips in spring is read with
// the offset before the gap.
type Clock struct {
	zone *time.Location
	utc  bool
	hour int64 // the beginning of the file's hour, or day, in Unix seconds
	span int64 // its seconds

	// The last local hour that has one offset throughout: its 13 characters
	// YYYY-MM-DD HH as two overlapping words, and its start as an instant.
	key0, key1 uint64
	start      int64

	seen Seen
}

// Seen is what a Clock was shown of the datetime column: Unix seconds and
// counts of rows.
type Seen struct {
	Rows        uint64 // with a time
	First, Last int64  // meaningful when Rows > 0
	OutOfHour   uint64
	// quarters counts rows by how many quarters of an hour they lie after the file's
	// hour, from maxShift hours before it to the end of the hour maxShift after it:
	// zones are whole hours apart, or half ones (India), or quarters (Nepal).
	quarters [4 * (2*maxShift + 1)]uint64
	width    int // quarters of the file's own time
}

// maxShift bounds the shifts that are told apart: zones reach from -12 to +14,
// and a row may be written by one and read by another.
const maxShift = 26

// maxSeen is how many seconds quarters covers.
const maxSeen = 3600 * (2*maxShift + 1)

// NewClock returns a clock for texts written in a zone; nil means UTC.
func NewClock(zone *time.Location) *Clock {
	if zone == nil {
		zone = time.UTC
	}
	return &Clock{zone: zone, utc: zone == time.UTC || zone.String() == "UTC"} //guard:zone-applied
}

// Reset begins a file whose rows belong to the time from one instant to another: its
// hour, or its day.
func (k *Clock) Reset(from, to time.Time) {
	k.hour, k.span = from.Unix(), int64(to.Sub(from)/time.Second)
	k.key0, k.key1 = 0, 0
	k.seen = Seen{width: int(k.span / 900)}
}

// Seen returns the account since Reset.
func (k *Clock) Seen() *Seen { return &k.seen }

// Shift returns by how much more than two thirds of the rows lie after (or, below
// zero, before) the file's hour; 0 when most lie in it or when no one shift explains
// most of them. Of several it is the one that explains the most, then the roundest.
func (s *Seen) Shift() time.Duration {
	most := s.Rows * 2 / 3
	if s.within(4*maxShift) > most {
		return 0
	}
	shift := 4 * maxShift
	for _, step := range []int{4, 2, 1} {
		for i := 0; i+s.width <= len(s.quarters); i += step {
			if n := s.within(i); n > most { //guard:shift-reported
				most, shift = n, i
			}
		}
	}
	return time.Duration(shift-4*maxShift) * 15 * time.Minute
}

// within counts the rows of the file's own time, were it to begin with a quarter.
func (s *Seen) within(quarter int) (n uint64) {
	for _, q := range s.quarters[quarter : quarter+s.width] {
		n += q
	}
	return n
}

func (k *Clock) see(t int64) {
	s := &k.seen
	if s.Rows == 0 || t < s.First {
		s.First = t
	}
	if s.Rows == 0 || t > s.Last {
		s.Last = t
	}
	s.Rows++
	d := t - k.hour
	if uint64(d) >= uint64(k.span) { //guard:own-span
		s.OutOfHour++
	}
	if q := uint64(d + maxShift*3600); q < maxSeen {
		s.quarters[q/900]++
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// instant reads YYYY-MM-DD HH:MM:SS, years 1900 to 2299.
func (k *Clock) instant(v []byte) (int64, bool) {
	if len(v) != len("2006-01-02 15:04:05") {
		return 0, false
	}
	key0, key1 := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[5:])
	within, ok := minuteSecond(binary.LittleEndian.Uint64(v[11:]))
	if !ok {
		return 0, false
	}
	if key0 == k.key0 && key1 == k.key1 {
		return k.start + within, true
	}
	days, ok := parseDay(v[:10])
	hour, ok2 := twoDigits(v[11], v[12])
	if !ok || !ok2 || v[10] != ' ' || hour > 23 {
		return 0, false
	}
	local := days*86400 + int64(hour)*3600
	if k.utc {
		k.key0, k.key1, k.start = key0, key1, local
		return local + within, true
	}
	first, unique1 := k.resolve(local)
	last, unique2 := k.resolve(local + 3599)
	if unique1 && unique2 && last-first == 3599 {
		k.key0, k.key1, k.start = key0, key1, first
	}
	t, _ := k.resolve(local + within)
	return t, true
}

// minuteSecond takes the eight characters HH:MM:SS, of which it leaves the
// first two alone, to seconds within the hour.
func minuteSecond(w uint64) (int64, bool) {
	m, ok1 := twoDigits(byte(w>>24), byte(w>>32))
	s, ok2 := twoDigits(byte(w>>48), byte(w>>56))
	ok := ok1 && ok2 && byte(w>>16) == ':' && byte(w>>40) == ':' && m < 60 && s < 60
	return int64(m)*60 + int64(s), ok
}

func twoDigits(a, b byte) (int, bool) {
	a -= '0'
	b -= '0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// resolve turns a local time, given as if it were UTC, into an instant. unique
// is false where the zone repeats or skips that time.
func (k *Clock) resolve(local int64) (instant int64, unique bool) {
	// The zone's rules around the time: the offset in force, and those on
	// either side of it. Transitions are weeks apart, offsets are hours.
	guess := local - k.offset(local)
	from, to := time.Unix(guess, 0).In(k.zone).ZoneBounds()
	offsets := [3]int64{k.offset(guess), k.offset(guess), k.offset(guess)}
	if !from.IsZero() {
		offsets[0] = k.offset(from.Unix() - 1)
	}
	if !to.IsZero() {
		offsets[2] = k.offset(to.Unix())
	}
	var found []int64
	var room [3]int64
	found = room[:0]
	for i, o := range offsets {
		t := local - o
		if k.offset(t) == o && (i == 0 || len(found) == 0 || found[len(found)-1] != t) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		// Skipped: read with the offset before the gap, which ends at whichever
		// bound lies near.
		before := offsets[1]
		if !from.IsZero() && local-offsets[0] >= from.Unix() && local-offsets[1] < from.Unix() {
			before = offsets[0]
		}
		return local - before, false //guard:skipped-hour
	case 1:
		return found[0], true
	}
	best := found[0]
	for _, t := range found[1:] {
		if k.distance(t) < k.distance(best) { //guard:repeated-hour
			best = t
		}
	}
	return best, false
}

// distance is how many seconds t lies outside the file's time.
func (k *Clock) distance(t int64) int64 {
	switch {
	case t < k.hour:
		return k.hour - t
	case t >= k.hour+k.span:
		return t - (k.hour + k.span - 1)
	}
	return 0
}

func (k *Clock) offset(t int64) int64 {
	_, o := time.Unix(t, 0).In(k.zone).Zone()
	return int64(o)
}

// parseDay reads YYYY-MM-DD to days since 1970-01-01, years 1900 to 2299,
// which is what ClickHouse's widest date types hold.
func parseDay(v []byte) (int64, bool) {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' {
		return 0, false
	}
	century, ok1 := twoDigits(v[0], v[1])
	year, ok2 := twoDigits(v[2], v[3])
	month, ok3 := twoDigits(v[5], v[6])
	day, ok4 := twoDigits(v[8], v[9])
	year += 100 * century
	if !ok1 || !ok2 || !ok3 || !ok4 || year < 1900 || year > 2299 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) { //guard:calendar
		return 0, false
	}
	// Years are counted from March, so that the leap day comes last.
	if month <= 2 {
		year--
		month += 12
	}
	y := int64(year)
	return 365*y + y/4 - y/100 + y/400 + int64(153*(month-3)+2)/5 + int64(day) - 719469, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// putDate takes YYYY-MM-DD; Date holds 1970-01-01 to 2149-06-06.
func (c *column) putDate(v []byte) bool {
	days, ok := parseDay(v)
	if !ok || c.kind == kindDate && (days < 0 || days > 65535) {
		return false
	}
	c.appendInt(uint64(days))
	return true
}

// putTime takes YYYY-MM-DD HH:MM:SS, and for a DateTime64 a fraction; digits
// beyond its scale must be zeros.
func (c *column) putTime(v []byte, k *Clock) bool {
	if c.kind == kindDateTime {
		t, ok := k.instant(v)
		if !ok || t < 0 || t > 1<<32-1 { //guard:instant-range
			return false
		}
		c.appendInt(uint64(t))
		return true
	}
	const whole = len("2006-01-02 15:04:05")
	if len(v) < whole || len(v) == whole+1 || len(v) > whole && v[whole] != '.' {
		return false
	}
	t, ok := k.instant(v[:whole])
	if !ok {
		return false
	}
	fraction := v[min(len(v), whole+1):]
	for i := range max(c.scale, len(fraction)) {
		d := byte(0)
		if i < len(fraction) {
			d = fraction[i] - '0'
		}
		if d > 9 || i >= c.scale && d != 0 {
			return false
		}
		if i < c.scale {
			if t > (1<<63-10)/10 || t < -(1<<63-10)/10 {
				return false
			}
			t = t*10 + int64(d)
		}
	}
	c.appendInt(uint64(t))
	return true
}
