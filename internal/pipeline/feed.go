package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/dirs"
	"rawlogs/internal/fetch"
	"rawlogs/internal/parse"
	"rawlogs/internal/rawlog"
)

// chunkFiles and chunkBytes bound how many files are put to loading in one
// ledger write: enough that the ledger costs little beside the rows, few
// enough that an interrupt leaves little to put back.
const (
	chunkFiles = 128
	chunkBytes = 256 << 20
)

// feed puts files to loading, chunk by chunk, and passes them on. A file is
// loading before it is even fetched; a crash in between costs recovery a count.
func (r *run) feed(ctx context.Context, jobs []*job, out chan<- *job) error {
	defer close(out)
	for len(jobs) > 0 {
		if r.stopped() {
			return nil
		}
		n, bytes := 0, int64(0)
		for n < len(jobs) && n < chunkFiles && (n == 0 || bytes < chunkBytes) {
			bytes += max(0, jobs[n].listed.Size)
			n++
		}
		chunk := jobs[:n]
		jobs = jobs[n:]
		entries := make([]*checkpoint.Entry, n)
		for i, j := range chunk {
			entries[i] = j.entry
			j.entry.State, j.entry.Run = checkpoint.Loading, r.id //guard:loaded-last
			j.entry.Attempt++
		}
		if err := r.record(ctx, entries); err != nil { //guard:loading-first
			return err
		}
		for _, j := range chunk {
			select {
			case out <- j:
			case <-r.Stop:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func (r *run) stopped() bool {
	select {
	case <-r.Stop:
		return true
	default:
		return false
	}
}

// newFetcher bounds the downloads. A download that has to wait for room wakes
// the loaders, which hold archives until their INSERT is acknowledged. Archives of
// which not many fit into the budget go to disk, so that an INSERT can hold many.
func (r *run) newFetcher(starved []chan struct{}) *fetch.Fetcher {
	cfg := r.Download
	cfg.Memory = r.budget.archives
	cfg.SpoolOver = r.budget.archives / int64(4*r.Fetchers)
	cfg.SpoolDir = r.Spool
	cfg.Log = r.Log
	cfg.Full = func() {
		for _, s := range starved {
			select {
			case s <- struct{}{}:
			default: // told already
			}
		}
	}
	return fetch.New(r.src, cfg)
}

// fetch is one of F identical workers: file in, verified archive out.
func (r *run) fetch(ctx context.Context, in <-chan *job, out chan<- *job) error {
	var inflater parse.Inflater // holds no texts
	for j := range in {
		begin := time.Now()
		archive, body, err := r.download(ctx, &inflater, j.file())
		switch {
		case ctx.Err() != nil:
			if archive != nil {
				archive.Release()
			}
			return context.Cause(ctx)
		case dirs.ScopeOf(err) == dirs.ScopeRun: //guard:disk-full-one-file
			return err
		case err != nil:
			if err = r.fail(ctx, j, err); err != nil { //guard:file-fails-alone
				return err
			}
			continue
		}
		j.archive, j.body, j.notes = archive, body, archive.Notes
		// What was fetched is what the ledger will speak of, whatever the listing said.
		j.listed.Size, j.listed.ETag = archive.File.Size, archive.File.ETag
		r.Log.Debug("file fetched", "type", j.file().Type, "file", j.file().Name, "bytes", archive.File.Size, "seconds", time.Since(begin).Round(time.Millisecond).Seconds())
		select {
		case out <- j:
		case <-ctx.Done():
			j.release()
			return context.Cause(ctx)
		}
	}
	return nil
}

// downloads bounds how often a file whose archive is broken is fetched anew: a bit
// may have been flipped on the way.
const downloads = 3

// download fetches an archive. One that storage's own checksum does not vouch
// for is unpacked once for its CRC, as a fault of the way is mended by another
// download and a fault of the file is not; then it comes with its text.
func (r *run) download(ctx context.Context, inflater *parse.Inflater, f rawlog.File) (*fetch.Archive, *parse.Text, error) {
	for try := 1; ; try++ {
		archive, err := r.fetcher.Fetch(ctx, f)
		if err != nil || archive.Checked { //guard:crc-decides
			return archive, nil, err
		}
		body, err := r.proven(inflater, archive, f)
		if err == nil {
			return archive, body, nil
		}
		archive.Release()
		if try == downloads || ctx.Err() != nil {
			return nil, nil, err
		}
		r.Log.Info("a downloaded archive is broken; fetching it again", "file", f.Name, "err", err)
	}
}

// proven opens an archive and reads it to its end, zstd ones of a run one at a time:
// the windows of all fetchers would be more than its memory.
func (r *run) proven(inflater *parse.Inflater, archive *fetch.Archive, f rawlog.File) (*parse.Text, error) {
	var head [4]byte
	n, _ := archive.ReadAt(head[:], 0) // Open meets the error again
	if format, _ := rawlog.FormatOf(head[:n], f.At()); format == rawlog.Zstd {
		r.wide.Lock()
		defer r.wide.Unlock()
		inflater = &r.wide.Inflater
	}
	body, err := inflater.Open(archive, archive.Size(), f.At())
	if err != nil {
		return nil, err
	}
	return body, verify(inflater, body)
}

// verify reads the whole text for its length and checksum alone, unless that was done.
func verify(inflater *parse.Inflater, body *parse.Text) error {
	if body.Proven {
		return nil
	}
	text := inflater.Stream(body)
	_, err := io.Copy(io.Discard, text)
	return errors.Join(err, text.Close())
}

// fail records a file that could not be loaded. Rows of an earlier version
// stay as they are, and the entry goes on counting them.
func (r *run) fail(ctx context.Context, j *job, why error) error {
	j.release()
	if r.Privacy.Hides() { //guard:privacy-errors
		why = errors.New(r.Privacy.Hide(why.Error()))
	}
	j.state = jobFailed
	r.twins.release(j.file())
	j.entry.State, j.entry.Error = checkpoint.Failed, printable(why.Error())
	again := j.entry.Has(checkpoint.Unloaded)
	j.entry.Settle(r.Now(), append([]checkpoint.Issue{{Kind: checkpoint.Unloaded, Text: j.entry.Error}}, overlapOf(j.entry)...)...) //guard:overlap-outlives-failure
	if !hasRows(j.entry) {
		j.entry.File = j.listed
	}
	r.Progress.FilesFailed.Add(1)
	r.failed(j.file(), j.entry, why, again)
	return r.record(ctx, []*checkpoint.Entry{j.entry})
}

// failed tells of a file that could not be loaded. One that somebody said to
// ignore is only counted. again says that it had failed before this run.
func (r *run) failed(f rawlog.File, e *checkpoint.Entry, why error, again bool) {
	level := slog.LevelError
	if e.Ignored != "" {
		level = slog.LevelInfo
	}
	r.Log.Log(context.Background(), level, "file failed", "type", f.Type, "file", f.At(), "err", why)
	r.sum.add(func(s *Summary) {
		s.Failed++
		if e.Ignored == "" { //guard:ignored-is-quiet
			s.Failures = append(s.Failures, Failure{f, printable(why.Error()), !again})
		}
	})
}

// printable makes text from outside harmless where it is shown: control
// characters become spaces, and it ends at a length a ledger cell should have.
func printable(s string) string {
	const most = 2000
	out := make([]rune, 0, min(len(s), most))
	for _, c := range s {
		if len(out) == most {
			break
		}
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}
