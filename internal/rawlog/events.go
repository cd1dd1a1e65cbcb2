package rawlog

import "strings"

// EventsFolder begins the name of a file of events: one that the vendor's Firehose, or
// whoever keeps its messages, wrote. Such a file holds events of all types, so it is in
// the ledger once for each type, and has any name behind this folder.
const EventsFolder = "firehose/"

// IsEvents reports whether a file holds events of Firehose instead of a raw log.
func IsEvents(name string) bool { return strings.HasPrefix(name, EventsFolder) }
