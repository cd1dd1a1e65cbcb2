package rawlog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Type is a type of files, spelled as the API, the file names and the tables spell it. Each
// has a table of its name.
type Type string

// The types.
const (
	Clicks      Type = "clicks"
	Conversions Type = "conversions"
	Impressions Type = "impressions"
	// ConversionReport is the type of the days of the network's report of conversions. They
	// come by the API alone, and a day may have other contents each time that it is asked for.
	ConversionReport Type = "conversion_report"
)

// traits are what sets types apart. A further type is a line of traitsOf.
type traits struct {
	typ      Type
	raw      bool
	snapshot bool
	unit     time.Duration
	loader   string
}

// traitsOf has all types, in the order in which they are walked and printed.
var traitsOf = []traits{
	{typ: Clicks, raw: true, unit: time.Hour, loader: "backfill"},
	{typ: Conversions, raw: true, unit: time.Hour, loader: "backfill"},
	{typ: Impressions, raw: true, unit: time.Hour, loader: "backfill"},
	{typ: ConversionReport, snapshot: true, unit: 24 * time.Hour, loader: "conversions"},
}

func (t Type) index() int {
	return slices.IndexFunc(traitsOf, func(x traits) bool { return x.typ == t })
}

func (t Type) traits() traits {
	if i := t.index(); i >= 0 {
		return traitsOf[i]
	}
	return traits{typ: t, unit: time.Hour} // of a ledger that a newer version wrote
}

// CompareTypes orders types as All does.
func CompareTypes(a, b Type) int { return cmp.Compare(a.index(), b.index()) }

// Raw reports whether files of the type are raw logs: a network publishes them, so a source
// lists them, and each has the columns that the network's logs have.
func (t Type) Raw() bool { return t.traits().raw }

// Snapshot reports whether a file of the type is its period as it stood when it was asked
// for. No listing tells whether that has changed; each time, the file replaces the rows of
// the one before.
func (t Type) Snapshot() bool { return t.traits().snapshot }

// Unit is the time that a file of the type holds. A raw log may hold more, see File.Span.
func (t Type) Unit() time.Duration { return t.traits().unit }

// Daily reports whether a file of the type holds a day, and its Hour is a date.
func (t Type) Daily() bool { return t.Unit() > time.Hour }

// Loader is the command of ingest that loads a period of the type.
func (t Type) Loader() string { return t.traits().loader }

// All lists every type.
func All() []Type { return typesWhere(func(Type) bool { return true }) }

// Types lists the types of raw logs.
func Types() []Type { return typesWhere(Type.Raw) }

func typesWhere(wanted func(Type) bool) []Type {
	var out []Type
	for _, x := range traitsOf {
		if wanted(x.typ) {
			out = append(out, x.typ)
		}
	}
	return out
}

// ParseType returns the type of raw logs that s names; its error says which exist.
func ParseType(s string) (Type, error) { return parseType(s, Types()) }

// ParseAny is ParseType for the words of All.
func ParseAny(s string) (Type, error) { return parseType(s, All()) }

func parseType(s string, of []Type) (Type, error) {
	if slices.Contains(of, Type(s)) {
		return Type(s), nil
	}
	var words []string
	for _, t := range of {
		words = append(words, string(t))
	}
	last := len(words) - 1
	return "", fmt.Errorf("unknown log type %.40q: %s and %s exist", s, strings.Join(words[:last], ", "), words[last])
}
