package checkpoint

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"rawlogs/internal/rawlog"
)

// Month is what the ledger says of a type's files of a UTC month, summed up by the store: a
// ledger of a million files has some 1,400 of them.
type Month struct {
	Digest
	Loaded  bool // all are, and none has an issue that a run does something about: a copy, an overlap to be compared
	Expired bool // all are, and none of them has rows
	Crowded bool // more than one is of an hour
}

// MonthKey names a month of a type by its first hour, in Unix seconds.
type MonthKey struct {
	Type rawlog.Type
	From int64
}

// KeyOf is the month that a file is of.
func KeyOf(f rawlog.File) MonthKey { return MonthKey{f.Type, rawlog.MonthOf(f.Hour).From.Unix()} }

// Digest stands for any number of files, in whatever order, by sums of hashes: with two that are
// equal, all names and hours are, and sizes and tags as far as Same compares them. Its zero
// value stands for none. The store computes it as Add does.
type Digest struct {
	Files  uint64
	names  uint64 // names and hours
	sizes  uint64 // and sizes
	tags   uint64 // and tags
	sized  bool   // a size is known
	tagged uint8  // a bit for each kind of tag
}

// TagKind separates tags that can never be equal though the bytes are: the MD5 of a whole
// object, the tag of a multipart upload (it has a dash and depends on the part size) and a
// folder's time stamp. No tag is of no kind.
func TagKind(tag string) string {
	switch {
	case tag == "":
		return ""
	case strings.HasPrefix(tag, "mtime-"):
		return "mtime"
	case strings.Contains(tag, "-"):
		return "multipart"
	}
	return "whole"
}

// tagBits are the bits of the kinds in a Digest.
var tagBits = map[string]uint8{"": 0, "mtime": 1, "multipart": 2, "whole": 4}

// Add makes the digest stand for one more file.
func (d *Digest) Add(f rawlog.File) {
	text := make([]byte, 0, 256)
	text = strconv.AppendInt(append(append(text, f.Name...), 0), f.Hour.Unix(), 10)
	hash := func(more ...byte) uint64 { return xxhash.Sum64(append(append(text, 0), more...)) }
	d.Files++
	d.names += xxhash.Sum64(text)
	d.sizes += hash(strconv.AppendInt(nil, f.Size, 10)...)
	d.tags += hash([]byte(f.ETag)...)
	d.sized = d.sized || f.Size >= 0
	d.tagged |= tagBits[TagKind(f.ETag)]
}

// Same reports whether two digests stand for the same files, of which none has other bytes for
// all that is known: sizes are compared unless one of the two knows none, and tags unless the
// two have none of a kind. It may say no where each file taken by itself is the same.
func (d Digest) Same(other Digest) bool {
	return d.Files == other.Files && d.names == other.names && //guard:month-names
		(!d.sized || !other.sized || d.sizes == other.sizes) && //guard:month-sizes
		(d.tagged&other.tagged == 0 || d.tags == other.tags) //guard:month-tags
}

// Months sums up the entries of the types and periods by month, those of events' files apart or
// alone.
func (l *Ledger) Months(ctx context.Context, types []rawlog.Type, periods []rawlog.Period) (map[MonthKey]Month, error) {
	where, args := l.where(Filter{Types: types, Periods: periods})
	const text = `concat(file, '\0', toString(toUnixTimestamp(hour))`
	rows, err := l.st.Conn().Query(ctx, `
		SELECT log_type, toUnixTimestamp(toDateTime(toStartOfMonth(hour), 'UTC')) AS month, count(),
		       sum(xxHash64(`+text+`))), sum(xxHash64(`+text+`, '\0', toString(size)))), sum(xxHash64(`+text+`, '\0', etag))),
		       max(size >= 0), groupBitOr(toUInt8(multiIf(etag = '', 0, startsWith(etag, 'mtime-'), 1, position(etag, '-') > 0, 2, 4))),
		       min(state = 'loaded' AND NOT hasAny(issues, ['copy', 'left_out']) AND NOT (has(issues, 'overlap') AND ignored = '')), min(state = 'expired' AND NOT `+held+`), count() > uniqExact(toStartOfHour(hour))
		FROM `+l.st.Holding("ingest_files")+` FINAL
		WHERE `+where+` AND NOT startsWith(file, ?)
		GROUP BY log_type, month`, append(args, rawlog.EventsFolder)...)
	if err != nil {
		return nil, fmt.Errorf("summing up the ledger of files: %w", err)
	}
	defer rows.Close()
	months := make(map[MonthKey]Month)
	for rows.Next() {
		var typ string
		var from uint32
		var m Month
		var sized, loaded, expired, crowded uint8
		if err := rows.Scan(&typ, &from, &m.Files, &m.names, &m.sizes, &m.tags, &sized, &m.tagged, &loaded, &expired, &crowded); err != nil {
			return nil, fmt.Errorf("summing up the ledger of files: %w", err)
		}
		m.sized, m.Loaded, m.Expired, m.Crowded = sized > 0, loaded > 0, expired > 0, crowded > 0
		months[MonthKey{rawlog.Type(typ), int64(from)}] = m
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("summing up the ledger of files: %w", err)
	}
	return months, nil
}

// Start is the month's first hour.
func (k MonthKey) Start() time.Time { return time.Unix(k.From, 0).UTC() }
