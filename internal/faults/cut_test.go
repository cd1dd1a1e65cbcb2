package faults

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// cut is a toxic that lets After bytes of a connection through and then does
// something to the rest, to the first Times connections that come so far (all,
// if it is 0): so a fault heals by itself, and always at the same place.
type cut struct {
	After int64  `json:"after"`
	Times int64  `json:"times"`
	Then  string `json:"then"` // close, stall, flip a bit, or flip one elsewhere each time

	done atomic.Int64
}

type passed struct{ bytes int64 }

// NewState implements toxics.StatefulToxic.
func (*cut) NewState() any { return new(passed) }

// Pipe implements toxics.Toxic.
func (c *cut) Pipe(stub *toxics.ToxicStub) {
	state, ok := stub.State.(*passed)
	if !ok {
		state = new(passed)
	}
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			at := c.After - state.bytes
			state.bytes += int64(len(chunk.Data))
			if at < 0 || at >= int64(len(chunk.Data)) {
				stub.Output <- chunk
				continue
			}
			n := c.done.Add(1)
			switch {
			case c.Times > 0 && n > c.Times:
				stub.Output <- chunk
				continue
			case c.Then == "flip":
				chunk.Data[at] ^= 0x20
				stub.Output <- chunk
				continue
			case c.Then == "flip elsewhere":
				chunk.Data[(at+n)%int64(len(chunk.Data))] ^= 0x20
				stub.Output <- chunk
				continue
			}
			if at > 0 {
				stub.Output <- &stream.StreamChunk{Data: chunk.Data[:at], Timestamp: chunk.Timestamp}
			}
			if c.Then == "close" {
				stub.Close()
				return
			}
			<-stub.Interrupt // a stall, until the fault ends, whatever the other side does
			return
		}
	}
}

// proxyTo is a proxy in front of a TCP server, without a fault as yet.
func proxyTo(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), t.Name(), "127.0.0.1:0", upstream)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy
}

// toxic adds a fault and returns how to end it.
func toxic(t *testing.T, proxy *toxiproxy.Proxy, kind, direction, attributes string) (end func()) {
	t.Helper()
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
		`{"name":"fault","type":%q,"stream":%q,"toxicity":1,"attributes":%s}`, kind, direction, attributes))); err != nil {
		t.Fatal(err)
	}
	return func() { _ = proxy.Toxics.RemoveToxic(t.Context(), "fault") }
}
