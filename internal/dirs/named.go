package dirs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
)

// named gathers the files of a bucket or folder, where type and hour stand in
// their names and one name may be found under several paths.
type named struct {
	*collection
	skipped Skipped
	found   map[rawlog.Type]map[string][]candidate
	// same reports whether two files of one size hold the same bytes.
	same func(ctx context.Context, a, b rawlog.File) (bool, error)
}

// candidate is a file found under one path.
type candidate struct {
	rawlog.File
	modified time.Time
}

func collectNamed(types []rawlog.Type, periods []rawlog.Period, skipped Skipped, same func(ctx context.Context, a, b rawlog.File) (bool, error)) *named {
	n := &named{collection: collect(types, periods), skipped: skipped, same: same, found: make(map[rawlog.Type]map[string][]candidate)}
	for _, t := range types {
		n.found[t] = make(map[string][]candidate)
	}
	return n
}

// file makes of a path the file that its name stands for; ok is false where it
// is none, and that has been said.
func (n *named) file(path string) (f rawlog.File, ok bool) {
	typ, hour, err := rawlog.ParseName(path)
	if err != nil && !errors.Is(err, rawlog.ErrMisplaced) {
		n.skipped.tell(path, err)
		return f, false
	}
	f = rawlog.File{Type: typ, Name: rawlog.NameOf(path, hour), Path: path, Hour: hour, Size: -1}
	if err != nil {
		n.wrong(f, err)
		return f, false
	}
	return f, true
}

// wrong refuses a file, if it was asked for.
func (n *named) wrong(f rawlog.File, why error) {
	if _, ok := n.found[f.Type]; ok && wanted(n.periods, f) {
		n.refuse(f, why)
	}
}

// take adds a file.
func (n *named) take(f rawlog.File, modified time.Time) {
	if found, ok := n.found[f.Type]; ok && wanted(n.periods, f) {
		found[f.Name] = append(found[f.Name], candidate{f, modified})
	}
}

// yield decides which of several files of one name it is, and hands out all.
func (n *named) yield(ctx context.Context, yield func(rawlog.File) error) error {
	for _, found := range n.found {
		for _, candidates := range found {
			f, err := n.choose(ctx, candidates)
			if err != nil {
				return err
			}
			if f != nil {
				n.add(*f)
			}
		}
	}
	slices.SortFunc(n.missing.Files, func(a, b FileError) int {
		return cmp.Or(a.File.Hour.Compare(b.File.Hour), cmp.Compare(a.File.At(), b.File.At()))
	})
	if err := n.collection.yield(ctx, yield); err != nil {
		return err
	}
	return n.missing.orNil()
}

// choose returns the file of a name. Of copies it is the oldest, so that a new
// one changes nothing; files that differ are refused, whichever was there first.
func (n *named) choose(ctx context.Context, candidates []candidate) (*rawlog.File, error) {
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.Path, b.Path))
	})
	first := candidates[0].File
	for _, c := range candidates[1:] {
		equal := first.Size == c.Size
		if equal {
			var err error
			if equal, err = n.same(ctx, first, c.File); err != nil {
				return nil, err
			}
		}
		if !equal { //guard:copies-differ
			n.refuse(first, fmt.Errorf("there is another file of this name with other contents, %s (%d and %d bytes); neither was taken: keep the right one",
				fetch.Printable(c.Path), first.Size, c.Size))
			return nil, nil //nolint:nilnil // refused, and said so
		}
	}
	for _, c := range candidates[1:] {
		n.skipped.tell(c.Path, fmt.Errorf("it is another copy of %s", first.Path))
	}
	return &first, nil
}

// sameTags compares the tags of two objects; ok is false where they say nothing,
// as tags of uploads in parts depend on the parts.
func sameTags(a, b string) (same, ok bool) {
	whole := func(tag string) bool { return tag != "" && !strings.Contains(tag, "-") }
	return a == b, a == b && a != "" || whole(a) && whole(b)
}

// tailBytes is what two files of one size are compared by where reading them
// whole would be a download: the end of a ZIP holds its file's length and CRC-32.
const tailBytes = 64 << 10
