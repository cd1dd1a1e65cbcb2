package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load"
	"rawlogs/internal/load/insert"
	"rawlogs/internal/parse"
	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/rows"
)

// idleAfter ends an open INSERT when no further archive has come for so long:
// a slow source should not keep rows that are already sent from the analysts.
const idleAfter = 2 * time.Second

// errIdle says that an open INSERT should end for want of further files,
// errNoMore that there are none.
var (
	errIdle   = errors.New("no archive came")
	errNoMore = errors.New("no more archives")
)

// fileError is a fault of one file that leaves all others alone.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// loader is one of P workers that turn archives into INSERTs. All of it lives
// and dies in its own goroutine, but for the reader and second stream that a
// large file's slices pass to and fro (slices.go).
type loader struct {
	*run
	in       <-chan *job
	starved  chan struct{} // told when a download waits for archives to be released
	hand     *job          // taken from in, but for the next INSERT
	inflater parse.Inflater
	reading  *job // whose text the reader stands in; nil between files
	readers  map[rawlog.Type]*rows.Reader
	streams  map[rawlog.Type]*[2]*insert.Stream // the second only for large files
	rejects  *insert.Rejects
	shielded shield

	sent map[sharedKey]string // the file of each event that the open INSERT holds

	scratch    map[rawlog.Type]*load.Block // for texts that are only judged
	rehearsing bool
}

func newLoader(r *run, in <-chan *job, starved chan struct{}) *loader {
	return &loader{
		run: r, in: in, starved: starved, rejects: insert.NewRejects(r.inserts, r.Network, r.Types), inflater: parse.Inflater{Hold: r.budget.text, Window: r.budget.window},
		readers: make(map[rawlog.Type]*rows.Reader),
		streams: make(map[rawlog.Type]*[2]*insert.Stream),
		scratch: make(map[rawlog.Type]*load.Block),
		sent:    make(map[sharedKey]string),
	}
}

// work loads archives until there are no more, small files many to an INSERT
// and large ones by slices.
func (l *loader) work(ctx context.Context) error {
	defer l.close()
	for {
		j, err := l.take(ctx, true)
		if errors.Is(err, errNoMore) {
			return nil
		}
		if err != nil {
			return err
		}
		if j.events != nil || j.body.Size <= l.budget.text { //guard:large-streamed
			err = l.loadBatch(ctx, j)
		} else {
			err = l.loadSlices(ctx, j)
		}
		if err != nil {
			return err
		}
	}
}

func (l *loader) close() {
	for _, pair := range l.streams {
		for _, s := range pair {
			if s != nil {
				_ = s.Close() // nothing is in flight, so nothing can be lost
			}
		}
	}
}

// take returns the next file, its archive opened, or errNoMore.
// Whoever holds an INSERT open is not patient: it gets errIdle when nothing came
// for idleAfter, or when downloads wait for the archives that it holds. Files
// whose archive is broken fail on the way.
func (l *loader) take(ctx context.Context, patient bool) (*job, error) {
	if j := l.hand; j != nil {
		l.hand = nil
		return j, nil
	}
	var over <-chan time.Time
	var starved <-chan struct{}
	if !patient {
		timer := time.NewTimer(idleAfter)
		defer timer.Stop()
		over, starved = timer.C, l.starved
	}
	for {
		var j *job
		var ok bool
		select {
		case j, ok = <-l.in: // what is at hand goes before any reason to stop
		default:
			select {
			case j, ok = <-l.in:
			case <-starved:
				if l.fetcher.Waiting() == 0 {
					continue
				}
				return nil, errIdle
			case <-over:
				return nil, errIdle
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		if !ok {
			return nil, errNoMore
		}
		var err error
		if j.body == nil {
			j.body, err = l.inflater.Open(j.archive, j.archive.Size(), j.file().At())
		}
		if err == nil && rawlog.IsEvents(j.file().Name) && j.events == nil {
			j.events, err = l.planEvents(j)
		}
		if err == nil {
			var settled bool
			if settled, err = l.same(context.WithoutCancel(ctx), j); err != nil {
				return nil, err
			}
			if settled {
				continue
			}
			return j, nil
		}
		if err = l.fail(context.WithoutCancel(ctx), j, err); err != nil { //guard:broken-archive-alone
			return nil, err
		}
	}
}

// open makes a small file's text ready to be read: it is inflated and verified
// whole before a row of it is sent. A *fileError is the file's own fault.
//
// With careful it is also read to its end first, and refused where too little of
// it is understood: for one whose rows are to replace others.
func (l *loader) open(ctx context.Context, j *job, careful bool) (load.Shape, error) {
	if j.events != nil {
		return l.openEvents(ctx, j)
	}
	rd, err := l.reader(ctx, j.file().Type)
	if err != nil {
		return "", err
	}
	text, err := l.inflater.Bytes(j.body)
	if err != nil {
		return "", &fileError{err}
	}
	if careful {
		rd.ResetBytes(j.file(), text)
		if err = l.rehearse(rd, j.file().Type); err == nil {
			err = l.emptied(j, rd.Counts())
		}
		if err != nil {
			return "", &fileError{err}
		}
	}
	rd.ResetBytes(j.file(), text)
	l.reading = j
	shape, err := rd.Shape()
	if err != nil {
		l.reading = nil
		return "", &fileError{err}
	}
	return shape, nil
}

// rehearse reads what the reader stands before to its end, keeps nothing of it, and
// returns an error where it is not sound.
func (l *loader) rehearse(rd *rows.Reader, typ rawlog.Type) error {
	if l.scratch[typ] == nil {
		block, err := load.NewBlock(l.tables[typ])
		if err != nil {
			return err
		}
		l.scratch[typ] = block
	}
	defer func(before bool) { l.rehearsing = before }(l.rehearsing)
	l.rehearsing = true
	for {
		block := l.scratch[typ]
		block.Reset()
		_, err := rd.Append(block, l.BlockRows)
		if errors.Is(err, io.EOF) {
			return l.sound(typ, rd.Counts())
		}
		if err != nil {
			return err
		}
	}
}

// clear takes rows of earlier versions out, once the new ones are known to be
// sound. The files are of one type.
func (l *loader) clear(ctx context.Context, jobs ...*job) error {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return !j.replace })
	if len(jobs) == 0 { //guard:replaced-cleared
		return nil
	}
	files := make([]rawlog.File, len(jobs))
	for i, j := range jobs {
		files[i] = j.file()
	}
	if err := l.markMoved(ctx, jobs); err != nil {
		return err
	}
	scopes := l.scopes(files[0].Type, span(files))
	if err := l.inserts.Displace(ctx, scopes[:], names(files)...); err != nil {
		return fmt.Errorf("taking out the rows of %d replaced %s files: %w", len(files), files[0].Type, err)
	}
	for _, j := range jobs {
		j.replace, j.displaced = false, true
		emptied(j.entry)
	}
	return nil
}

// calm waits for mutations that are at work where rows of the type are.
func (l *loader) calm(ctx context.Context, typ rawlog.Type) error {
	scopes := l.scopes(typ, rawlog.Period{})
	return l.inserts.Calm(ctx, scopes[:]) //guard:calm-before-insert
}

// displaceLater reports whether a file that replaces rows is to wait for the next INSERT,
// as the one that is open cannot be tried or would wait for mutations in its middle.
func (l *loader) displaceLater(ctx context.Context, b *batch) (bool, error) {
	if l.doubtful[b.typ] != "" {
		return true, nil
	}
	scopes := l.scopes(b.typ, rawlog.Period{})
	return l.inserts.Busy(ctx, scopes[:])
}

func (l *loader) reader(ctx context.Context, typ rawlog.Type) (*rows.Reader, error) {
	if rd := l.readers[typ]; rd != nil {
		return rd, nil
	}
	rd, err := rows.NewReader(l.tables[typ], rows.Config{
		Network: l.Network, Zones: l.Zones, Escapes: l.Escapes, Privacy: l.Privacy, MaxLine: int(l.budget.line), //guard:machine-zone
		Reject: l.rejecter(ctx),
	})
	if err != nil {
		return nil, err
	}
	l.readers[typ] = rd
	return rd, nil
}

// rejecter puts lines of the text that is being read aside.
func (l *loader) rejecter(ctx context.Context) func(csv.Rejected) error {
	return func(line csv.Rejected) error {
		if l.rehearsing {
			return nil
		}
		return l.rejects.Add(ctx, insert.Reject{
			File: l.reading.file(), Line: line.Line, Piece: uint32(line.Piece), Reason: l.Privacy.Hide(line.Reason), Raw: string(l.Privacy.Withheld(line.Raw, line.Piece)),
		})
	}
}

func (l *loader) stream(typ rawlog.Type, i int) (*insert.Stream, error) {
	pair := l.streams[typ]
	if pair == nil {
		pair = new([2]*insert.Stream)
		l.streams[typ] = pair
	}
	if pair[i] == nil {
		s, err := insert.NewStream(l.tables[typ])
		if err != nil {
			return nil, err
		}
		pair[i] = s
	}
	return pair[i], nil
}

// commit is the last step for files all of whose rows are acknowledged: what
// was rejected is written, the lease confirmed, and then the ledger says loaded.
// Crash before the last write: the files are loading and belong to a dead run.
func (l *loader) commit(ctx context.Context, jobs []*job, inserts []uint64) error {
	rejects, err := l.rejects.Flush(ctx) //guard:rejects-kept
	if err != nil {
		return err
	}
	if err := l.steady(ctx, l.lease.Confirm); err != nil {
		return err
	}
	entries := make([]*checkpoint.Entry, len(jobs))
	for i, j := range jobs {
		j.took(l.Now(), inserts, rejects, printable(l.inserts.Complaint(inserts)), l.usual[j.listed.Type], l.Privacy)
		entries[i] = j.entry
	}
	if err := l.record(ctx, entries); err != nil {
		return err
	}
	l.forget()
	l.sum.add(func(s *Summary) {
		s.Inserts += len(inserts)
		for _, j := range jobs {
			e := j.entry
			s.Loaded++
			s.Lines += e.Lines
			s.Rows += e.Rows
			s.Rescued += e.Rescued
			s.Inexact += e.Inexact
			s.Rejected += e.Rejected
			s.LeftOut += e.LeftOut
			s.Forgotten += e.Forgotten
			s.Bytes += max(0, e.File.Size)
			if j.displaced {
				s.Replaced++
			}
			if j.displaced && j.text != "" && e.Contents != j.text {
				s.Changed++
			}
			if e.ShiftHours != 0 {
				s.Shifts = append(s.Shifts, Shift{e.File, int(e.ShiftHours)})
			}
		}
	})
	for _, j := range jobs {
		l.finish(j)
		l.Progress.Rejected.Add(int64(j.entry.Rejected))
		l.Log.Debug("file loaded", "type", j.file().Type, "file", j.file().Name, "rows", j.entry.Rows, "rejected", j.entry.Rejected)
	}
	return nil
}

// failOr records a file's own fault and goes on; any other error ends the run.
func (l *loader) failOr(ctx context.Context, j *job, err error) error {
	var fault *fileError
	switch {
	case errors.As(err, &fault):
		return l.fail(ctx, j, fault.err)
	case refused(err):
		return l.fail(ctx, j, err)
	}
	return fmt.Errorf("%s %s: %w", j.file().Type, j.file().Name, err)
}
