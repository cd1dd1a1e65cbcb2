package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"rawlogs/internal/pipeline"
)

// logEvery is how often a load without a terminal says how far it is.
const logEvery = 30 * time.Second

// watch shows p until the returned function is called: a bar where stderr is a
// terminal, a log line every 30 s otherwise, nothing with --quiet.
func (a *app) watch(p *pipeline.Progress) (stop func()) {
	if a.quiet {
		return func() {}
	}
	if f, ok := a.stderr.w.(*os.File); ok && isTerminal(f) {
		return a.showBar(p, f)
	}
	return a.logProgress(p, time.NewTicker(logEvery))
}

func (a *app) logProgress(p *pipeline.Progress, ticker *time.Ticker) func() {
	start, done, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				s := sample(p, time.Since(start))
				a.log.Info("loading", "files", s.files(), "rows", comma(s.rows), "speed", s.speed(), "left", s.left())
			case <-done:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
	}
}

// progressSample is one reading of the counters.
type progressSample struct {
	filesDone, filesTotal, failed, rows int64
	bytesDone, bytesTotal               int64
	elapsed                             time.Duration
}

func sample(p *pipeline.Progress, elapsed time.Duration) progressSample {
	return progressSample{
		filesDone: p.FilesDone.Load(), filesTotal: p.FilesTotal.Load(), failed: p.FilesFailed.Load(), rows: p.Rows.Load(),
		bytesDone: p.BytesDone.Load(), bytesTotal: p.BytesTotal.Load(), elapsed: elapsed,
	}
}

func (s progressSample) files() string {
	text := fmt.Sprintf("%d/%d", s.filesDone, s.filesTotal)
	if s.failed > 0 {
		text += fmt.Sprintf(" (%d failed)", s.failed)
	}
	return text
}

// speed is of ZIP bytes, since the start.
func (s progressSample) speed() string {
	if s.elapsed < time.Second/10 {
		return "–"
	}
	return fmt.Sprintf("%.1f MB/s", float64(s.bytesDone)/1e6/s.elapsed.Seconds())
}

// left is by bytes where sizes are known, else by files.
func (s progressSample) left() string {
	done, total := s.bytesDone, s.bytesTotal
	if total < done || total == 0 {
		done, total = s.filesDone, s.filesTotal
	}
	if done == 0 || total == 0 {
		return "unknown"
	}
	left := time.Duration(float64(s.elapsed) * float64(max(total-done, 0)) / float64(done))
	return left.Round(time.Second).String()
}

func (a *app) showBar(p *pipeline.Progress, terminal *os.File) func() {
	start := time.Now()
	now := func() progressSample { return sample(p, time.Since(start)) }
	bars := mpb.New(mpb.WithOutput(terminal), mpb.WithWidth(30), mpb.WithRefreshRate(200*time.Millisecond), mpb.WithAutoRefresh())
	bar := bars.AddBar(0,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return "files " + now().files() + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			s := now()
			return fmt.Sprintf(" %s rows, %s, %s left", comma(s.rows), s.speed(), s.left())
		})),
	)
	before := a.stderr.swap(io.Writer(bars))
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s := now()
				bar.SetTotal(max(s.filesTotal, s.filesDone+1), false)
				bar.SetCurrent(s.filesDone)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		a.stderr.swap(before)
		bar.Abort(true)
		bars.Wait()
	}
}
