package listing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Named is a listing of files that say type and hour in their names, as those of a
// bucket or folder do; one name may be found under several paths.
type Named struct {
	*Files
	types   []rawlog.Type
	names   *rawlog.Names
	fitted  []int // names that each pattern of names described
	skipped dirs.Skipped
	near    []dirs.FileError // named like raw logs
	found   map[rawlog.Type]*rawlog.Pack
	// same reports whether two files of one size hold the same bytes.
	same func(ctx context.Context, a, b rawlog.File) (bool, error)
}

// candidate is a file found under one path.
type candidate struct {
	rawlog.File
	modified int64 // in Unix nanoseconds
	place    int   // among all that were found
}

func (c candidate) format() rawlog.Format {
	_, f, _ := rawlog.CutFormat(c.Path)
	return f
}

// Why files are skipped that are raw logs by their names.
var (
	ErrOtherFormat = errors.New("it is the same file in another format")
	ErrOtherCopy   = errors.New("it is another copy")
)

// NewNamed returns an empty listing of files with such names, to be asked for those of
// the types and periods. same compares two files of one size.
func NewNamed(names *rawlog.Names, types []rawlog.Type, periods []rawlog.Period, skipped dirs.Skipped, same func(ctx context.Context, a, b rawlog.File) (bool, error)) *Named {
	return &Named{Files: New(nil, periods), names: names, fitted: make([]int, len(names.Patterns())), skipped: skipped, same: same, types: types, found: packs(types)}
}

// File makes of a path the file that its name stands for; ok is false where it
// is none, and that has been said.
func (n *Named) File(path string) (f rawlog.File, ok bool) {
	f, by, err := n.names.File(path)
	if by != rawlog.Own {
		n.fitted[by]++
	}
	switch {
	case err == nil:
		return f, true
	case errors.Is(err, rawlog.ErrMisplaced):
		n.Wrong(f, err)
	case errors.Is(err, rawlog.ErrNear):
		n.near = append(n.near, dirs.FileError{File: f, Err: err})
	case errors.Is(err, rawlog.ErrDate): //guard:date-refused
		n.Refuse(rawlog.File{Name: path, Size: -1}, fmt.Errorf("files: in the settings describes it, but %w", err))
	default:
		n.skipped.Tell(path, err)
	}
	return f, false
}

// Wrong refuses a file, if it was asked for.
func (n *Named) Wrong(f rawlog.File, why error) {
	if _, ok := n.found[f.Type]; ok && n.Wants(f) {
		n.Refuse(f, why)
	}
}

// Take adds a file.
func (n *Named) Take(f rawlog.File, modified time.Time) {
	if found, ok := n.found[f.Type]; ok && n.Wants(f) {
		found.Add(f, modified.UnixNano())
	}
}

// Yield decides which of several files of one name it is, and hands out all.
func (n *Named) Yield(ctx context.Context, yield func(rawlog.File) error) error {
	for _, found := range n.found {
		found.SortByName()
	}
	n.refuseNear()
	for _, found := range n.found {
		err := found.Choose(func(from, to int) (int, error) {
			candidates := make([]candidate, 0, to-from)
			for i := from; i < to; i++ {
				f, modified := found.At(i)
				candidates = append(candidates, candidate{f, modified, i})
			}
			return n.choose(ctx, candidates)
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(n.Missing.Files, func(a, b dirs.FileError) int {
		return cmp.Or(a.File.Hour.Compare(b.File.Hour), cmp.Compare(a.File.At(), b.File.At()))
	})
	for i, pattern := range n.names.Patterns() {
		if n.fitted[i] == 0 { //guard:pattern-fits
			n.Refuse(rawlog.File{Name: "files: " + pattern, Size: -1}, errors.New("no name of the source fits this pattern of the settings"))
		}
	}
	for _, typ := range n.types {
		found := n.found[typ]
		delete(n.found, typ) // an archive may have a million; named twice among the types or not
		if found == nil {
			continue
		}
		if err := n.inOrder(ctx, found, yield); err != nil {
			return err
		}
	}
	return n.Missing.OrNil()
}

// refuseNear refuses what is only named like a raw log, unless that raw log itself is
// there: then it is what somebody keeps beside it.
func (n *Named) refuseNear() {
	for _, f := range n.near {
		if found, ok := n.found[f.File.Type]; ok && found.Has(f.File.Name) {
			n.skipped.Tell(f.File.Path, f.Err)
			continue
		}
		n.Wrong(f.File, f.Err)
	}
}

// choose returns the place of the file of a name, or -1 for none. Of several formats it is
// the one whose text can be proven best; that the others hold the same is not looked at. Of
// copies it is the oldest, so that a new one changes nothing; files that differ are refused,
// whichever was there first.
func (n *Named) choose(ctx context.Context, candidates []candidate) (place int, err error) {
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(rawlog.Preferred(a.format(), b.format()), cmp.Compare(a.modified, b.modified), cmp.Compare(a.Path, b.Path))
	})
	first := candidates[0].File
	other := slices.IndexFunc(candidates, func(c candidate) bool { return c.format() != candidates[0].format() })
	if other >= 0 { //guard:one-format
		for _, c := range candidates[other:] {
			n.skipped.Tell(c.Path, fmt.Errorf("%w, of %s", ErrOtherFormat, first.Path))
		}
		candidates = candidates[:other]
	}
	for _, c := range candidates[1:] {
		equal := first.Size == c.Size
		if equal {
			if equal, err = n.same(ctx, first, c.File); err != nil {
				return 0, err
			}
		}
		if !equal { //guard:copies-differ
			n.Refuse(first, fmt.Errorf("another file of this name has other contents, %s (%d and %d bytes); neither was loaded: keep the right one",
				plain.Name(c.Path), first.Size, c.Size))
			return -1, nil
		}
	}
	for _, c := range candidates[1:] {
		n.skipped.Tell(c.Path, fmt.Errorf("%w of %s", ErrOtherCopy, first.Path))
	}
	return candidates[0].place, nil
}
