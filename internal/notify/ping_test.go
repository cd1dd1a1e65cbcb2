package notify

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Beginning and end are told in this order, beside the query that the address has.
func TestPing(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][]string{
		"/ping/uuid":         {"POST /ping/uuid/start?rid=r1", "POST /ping/uuid/3?rid=r1"},
		"/ping/uuid/":        {"POST /ping/uuid/start?rid=r1", "POST /ping/uuid/3?rid=r1"},
		"/p%2Fx?create=1&b=": {"POST /p%2Fx/start?create=1&b=&rid=r1", "POST /p%2Fx/3?create=1&b=&rid=r1"},
		"":                   {"POST /start?rid=r1", "POST /3?rid=r1"},
	} {
		h := hears(t, ok)
		p := quick().Begin(t.Context(), Target{Name: "ping_url", URL: h.URL + address}, "r1")
		if err := p.End(t.Context(), 3, "1 file failed"); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if got := h.requests(); !slices.Equal(got, want) || len(h.bodies) < 2 || h.bodies[1] != "1 file failed" {
			t.Errorf("%s: got %q %q, want %q", address, got, h.bodies, want)
		}
	}
}

// A monitor that does not answer holds nothing up for longer than it may, and the end is
// sent although the beginning could not be.
func TestPingAway(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	h := hears(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/start") {
			<-r.Context().Done()
		}
	})
	p := newSender(2*time.Second, time.Hour, nil).Begin(t.Context(), Target{Name: "ping_url", URL: h.URL}, "r1")
	err := p.End(t.Context(), 0, "")
	if err == nil || !strings.Contains(err.Error(), "no answer ") {
		t.Errorf("err = %v", err)
	}
	if got := h.requests(); !slices.Equal(got, []string{"POST /start?rid=r1", "POST /0?rid=r1"}) {
		t.Errorf("sent %q", got)
	}
	h = hears(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p = newSender(time.Hour, time.Hour, nil).Begin(t.Context(), Target{Name: "ping_url", URL: h.URL}, "r1")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.End(ctx, 0, ""); err == nil {
		t.Error("no error")
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCapped(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("ž", mostBody), strings.Repeat("x", mostBody) + "y", "\xff" + strings.Repeat("€", mostBody/3)} {
		got := capped(text)
		if len(got) > mostBody || !utf8.Valid(got) || len(text) < mostBody && !strings.HasPrefix(string(got), strings.ToValidUTF8(text, "\ufffd")) {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	}
}
