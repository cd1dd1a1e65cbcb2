package pipeline

import "sync/atomic"

// Progress is a run's state for whoever shows it; all of it may be read at any
// time from any goroutine.
type Progress struct {
	FilesTotal  atomic.Int64
	FilesDone   atomic.Int64 // loaded
	FilesFailed atomic.Int64
	BytesTotal  atomic.Int64 // of ZIPs; 0 where the listing tells no sizes
	BytesDone   atomic.Int64
	Rows        atomic.Int64 // sent, before they are acknowledged
	Rejected    atomic.Int64
	phase       atomic.Value // string
}

// Phase is one word for what the run does: recovering, listing, loading, counting,
// comparing.
func (p *Progress) Phase() string {
	s, _ := p.phase.Load().(string)
	return s
}

func (p *Progress) enter(phase string) { p.phase.Store(phase) }

func (p *Progress) begin(jobs []*job) {
	p.enter("loading")
	var bytes int64
	for _, j := range jobs {
		bytes += max(0, j.listed.Size)
	}
	p.BytesTotal.Store(p.BytesDone.Load() + bytes)
	p.FilesTotal.Store(p.FilesDone.Load() + p.FilesFailed.Load() + int64(len(jobs)))
}
