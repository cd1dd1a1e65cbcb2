package term

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// logEvery is how often a load without a terminal says how far it is.
const logEvery = 30 * time.Second

// Load is one reading of how far a load is.
type Load struct {
	Files, AllFiles int64 // loaded, and to be loaded
	Failed          int64 // files
	Rows            int64 // sent
	Bytes, AllBytes int64 // of ZIPs; AllBytes is 0 where the listing does not say
}

// Watch shows a load on the target of r until the returned function is called:
// as a bar where that is a terminal, otherwise as a line of the log every 30 s.
// read is called from a goroutine of its own.
func Watch(r *Redirect, log *slog.Logger, read func() Load) (stop func()) {
	if f, ok := r.Terminal(); ok {
		return showBar(r, f, read)
	}
	return logProgress(log, read, time.NewTicker(logEvery))
}

func logProgress(log *slog.Logger, read func() Load, ticker *time.Ticker) (stop func()) {
	start, done, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				s := sample{read(), time.Since(start)}
				log.Info("loading", "files", s.files(), "rows", Count(s.Rows), "speed", s.speed(), "left", s.left())
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

// sample is a reading, so long after the start.
type sample struct {
	Load
	elapsed time.Duration
}

func (s sample) files() string {
	text := fmt.Sprintf("%d/%d", s.Files, s.AllFiles)
	if s.Failed > 0 {
		text += fmt.Sprintf(" (%d failed)", s.Failed)
	}
	return text
}

// speed is of ZIP bytes, since the start.
func (s sample) speed() string {
	if s.elapsed < time.Second/10 {
		return "–"
	}
	return fmt.Sprintf("%.1f MB/s", float64(s.Bytes)/1e6/s.elapsed.Seconds())
}

// left is by bytes where sizes are known, else by files.
func (s sample) left() string {
	done, total := s.Bytes, s.AllBytes
	if total < done || total == 0 {
		done, total = s.Files, s.AllFiles
	}
	if done == 0 || total == 0 {
		return "unknown"
	}
	left := time.Duration(float64(s.elapsed) * float64(max(total-done, 0)) / float64(done))
	return left.Round(time.Second).String()
}

func showBar(r *Redirect, terminal *os.File, read func() Load) (stop func()) {
	start := time.Now()
	now := func() sample { return sample{read(), time.Since(start)} }
	bars := mpb.New(mpb.WithOutput(terminal), mpb.WithWidth(30), mpb.WithRefreshRate(200*time.Millisecond), mpb.WithAutoRefresh())
	bar := bars.AddBar(0,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return "files " + now().files() + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			s := now()
			return fmt.Sprintf(" %s rows, %s, %s left", Count(s.Rows), s.speed(), s.left())
		})),
	)
	before := r.swap(io.Writer(bars))
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s := now()
				bar.SetTotal(max(s.AllFiles, s.Files+1), false)
				bar.SetCurrent(s.Files)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		r.swap(before)
		bar.Abort(true)
		bars.Wait()
	}
}
