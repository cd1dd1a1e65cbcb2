package faults

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"rawlogs/internal/dirs"
	"rawlogs/internal/rawlog"
)

// trickle is a toxic that lets After bytes of a connection through at once, and
// then Bytes of them every Every milliseconds.
type trickle struct {
	After int64 `json:"after"`
	Bytes int   `json:"bytes"`
	Every int   `json:"every"`
}

// NewState implements toxics.StatefulToxic.
func (*trickle) NewState() any { return new(passed) }

// Pipe implements toxics.Toxic.
func (c *trickle) Pipe(stub *toxics.ToxicStub) {
	state, ok := stub.State.(*passed)
	if !ok {
		state = new(passed)
	}
	tick := time.NewTicker(time.Duration(c.Every) * time.Millisecond)
	defer tick.Stop()
	for {
		var chunk *stream.StreamChunk
		select {
		case <-stub.Interrupt:
			return
		case chunk = <-stub.Input:
		}
		if chunk == nil {
			stub.Close()
			return
		}
		for data := chunk.Data; len(data) > 0; {
			n := min(len(data), int(max(0, c.After-state.bytes)))
			if n == 0 {
				n = min(len(data), c.Bytes)
				select {
				case <-stub.Interrupt:
					stub.Output <- &stream.StreamChunk{Data: data, Timestamp: chunk.Timestamp}
					return
				case <-tick.C:
				}
			}
			stub.Output <- &stream.StreamChunk{Data: data[:n], Timestamp: chunk.Timestamp}
			state.bytes += int64(n)
			data = data[n:]
		}
	}
}

// detour is a source that fetches one file another way.
type detour struct {
	dirs.Source
	name string
	by   dirs.Source
}

func (d detour) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	if f.Name == d.name {
		return d.by.Open(ctx, f, offset, etag)
	}
	return d.Source.Open(ctx, f, offset, etag)
}

// A body that only trickles, too slowly to be alive or too slowly to end in
// time, fails its file within the run's bounds and holds up no other; with
// a better network the next run loads it.
func TestTrickle(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, tc := range []struct {
		name   string
		fault  string
		total  time.Duration // for one file
		failed string
	}{
		{"a byte now and then", `{"after":2000,"bytes":1,"every":20}`, 10 * time.Second, "little or nothing came for 300ms"},
		{"alive, and too slow to end", `{"after":2000,"bytes":3000,"every":50}`, 2 * time.Second, "not done within 2s"},
	} {
		t.Run(strings.ReplaceAll(tc.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			toxics.Register("trickle", new(trickle))
			r := db.rig(t)
			r.options.Download.Attempts, r.options.Download.TotalTimeout = 3, tc.total
			b := r.bucket()
			slow, body := r.clicks(0, 2500)
			b.put(slow, body)
			for i := range 3 {
				name, body := r.clicks(1+i, 10)
				b.put(name, body)
			}
			proxy := proxyTo(t, strings.TrimPrefix(b.storage.Endpoint, "http://"))
			end := toxic(t, proxy, "trickle", "downstream", tc.fault)
			src := detour{b.source(), slow, b.sourceBy(b.by(proxy.Listen))}
			begin := time.Now()
			sum, err := r.run(src)
			if took := time.Since(begin); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
			if err != nil || sum.Loaded != 3 || sum.Failed != 1 || sum.Failures[0].File.Name != slow || !strings.Contains(sum.Failures[0].Err, tc.failed) {
				t.Fatalf("%d bytes: %v, %+v", len(body), err, sum)
			}
			end()
			r.recover(src)
		})
	}
}
