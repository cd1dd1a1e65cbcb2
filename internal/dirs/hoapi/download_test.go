package hoapi_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/fetch"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// The whole way of a file from the API: a link, a refused one, the storage.
func TestDownload(t *testing.T) {
	t.Parallel()
	network := testkit.Simnet(t, simnet.Config{Clicks: 20})
	hour := time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)
	f, err := network.Publish(t.Context(), gen.FileName(rawlog.Clicks, hour, 1), gen.Spec{Type: rawlog.Clicks, Hour: hour, Rows: 500})
	if err != nil {
		t.Fatal(err)
	}
	client, err := hasoffers.New(hasoffers.Config{NetworkID: network.ID(), Auth: hasoffers.NetworkToken(network.Token()), BaseURL: network.URL})
	if err != nil {
		t.Fatal(err)
	}
	d := fetch.New(hoapi.New(hoapi.Config{Client: client}), fetch.Config{Backoff: time.Millisecond})
	want := network.Storage.Get(network.Key(f.Type, f.Name))
	get := func() error {
		a, err := d.Fetch(t.Context(), rawlog.File{Type: f.Type, Name: f.Name, Hour: f.Hour, Size: -1})
		if err != nil {
			return err
		}
		if a.File.Size != int64(len(want)) || a.File.ETag == "" {
			t.Errorf("got %+v", a.File)
		}
		defer a.Release()
		if got, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("other bytes, %v", err)
		}
		return nil
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	network.Faults.ExpireLinks(1)
	if err := get(); err != nil {
		t.Errorf("one expired link: %v", err)
	}
	network.Faults.ExpireLinks(-1)
	if err := get(); dirs.KindOf(err) != dirs.Denied || strings.Contains(err.Error(), "X-Amz") {
		t.Errorf("expired links: %v", err)
	}
	network.Faults.ExpireLinks(0)
	network.Faults.RevokeToken(true)
	var e *hasoffers.APIError
	if err := get(); !errors.As(err, &e) || e.Kind != hasoffers.Unauthenticated {
		t.Errorf("revoked token: %v", err)
	}
	network.Faults.RevokeToken(false)
	if err := network.Vanish(t.Context(), f.Type, f.Name); err != nil {
		t.Fatal(err)
	}
	if err := get(); dirs.KindOf(err) != dirs.NotFound {
		t.Errorf("vanished: %v", err)
	}
}
