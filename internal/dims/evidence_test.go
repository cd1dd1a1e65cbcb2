package dims_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"rawlogs/internal/checkpoint/lease"
	"rawlogs/internal/dims"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// editing is a client that gets the network's answers edited: edit changes the
// data of a response in place.
func editing(t *testing.T, n *simnet.Network, edit func(data map[string]any)) *hasoffers.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		n.ServeHTTP(recorded, r)
		var body map[string]any
		decoder := json.NewDecoder(bytes.NewReader(recorded.Body.Bytes()))
		decoder.UseNumber()
		if err := decoder.Decode(&body); err == nil {
			if response, ok := body["response"].(map[string]any); ok {
				if data, ok := response["data"].(map[string]any); ok {
					edit(data)
				}
			}
			if err := json.NewEncoder(w).Encode(body); err != nil {
				t.Error(err)
			}
			return
		}
		_, _ = w.Write(recorded.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	client, err := hasoffers.New(hasoffers.Config{
		NetworkID: "acme", Auth: hasoffers.NetworkToken(n.Token()), BaseURL: server.URL + simnet.APIPath,
		Calls: 10000, Attempts: 2, Backoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// dropRow takes one row out of an answer's rows, and nothing from its count.
func dropRow(data map[string]any) {
	rows, ok := data["data"].(map[string]any)
	if !ok {
		rows = data
	}
	if keys := slices.Sorted(maps.Keys(rows)); len(keys) > 1 {
		delete(rows, keys[len(keys)/2])
	}
}

// An id is taken for deleted only where the answer proves it: by its count.
func TestVanishedNeedsEvidence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entity string
		edit   func(data map[string]any)
	}{
		"no count":               {"offers", func(data map[string]any) { delete(data, "count") }},
		"a count of nothing":     {"offers", func(data map[string]any) { data["count"] = nil }},
		"a count below the rows": {"offers", func(data map[string]any) { data["count"] = 1 }},
		"pages that lack a row":  {"offers", dropRow},
		"no page numbers, and cut": {"offers", func(data map[string]any) {
			rows, _ := data["data"].(map[string]any)
			clear(data)
			maps.Copy(data, rows)
			keepFirst(data, 50)
		}},
		"most of a list is absent": {"countries", func(data map[string]any) { keepFirst(data, 3) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, client := network(t)
			st := testkit.Database(t)
			o := dims.Options{Network: "acme", Entities: pick(t, c.entity), PageSize: 200}
			refresh(t, client, st, o)
			model := map[string]string{"offers": "Offer", "countries": "Country"}[c.entity]
			before := len(n.IDs(model))
			short := editing(t, n, sorted(c.edit))
			for range 2 {
				results, err := dims.Refresh(t.Context(), short, st, o)
				if err != nil && results == nil {
					t.Fatal(err)
				}
				if results[0].Vanished != 0 {
					t.Errorf("%+v", results[0])
				}
			}
			want(t, st, "SELECT count() FROM dim_"+c.entity+"_current", fmt.Sprintf("(%d)", before))
		})
	}
}

// sorted keeps the rows of an edited answer in the order of their ids, which a
// map loses: as an array.
func sorted(edit func(map[string]any)) func(map[string]any) {
	return func(data map[string]any) {
		edit(data)
		rows, ok := data["data"].(map[string]any)
		if !ok {
			return
		}
		var list []any
		for _, id := range slices.SortedFunc(maps.Keys(rows), func(a, b string) int {
			return len(a)*1000 - len(b)*1000 + bytes.Compare([]byte(a), []byte(b))
		}) {
			list = append(list, rows[id])
		}
		data["data"] = list
	}
}

func keepFirst(data map[string]any, n int) {
	for i, key := range slices.Sorted(maps.Keys(data)) {
		if i >= n {
			delete(data, key)
		}
	}
}

// A page that lacks a row of its count loses no change in silence.
func TestUpdatesNeedEveryRow(t *testing.T) {
	t.Parallel()
	n, _ := network(t)
	st := testkit.Database(t)
	for id := 1; id <= 30; id++ {
		n.Set("Conversion", id, map[string]any{"ad_id": "x", "status": "approved", "updated": "2016-09-10 12:00:00"})
	}
	_, err := dims.Updates(t.Context(), editing(t, n, sorted(dropRow)), st, dims.Options{Network: "acme", PageSize: 10}, period(t, "20160910"))
	if kind, _ := hasoffers.KindOf(err); err == nil || kind != hasoffers.Malformed {
		t.Errorf("got %v, want an answer that does not add up", err)
	}
}

// Conversions that leave the day's list while it is read, as they are changed
// once more, take no other with them.
func TestUpdatesWhileTheListChanges(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	const all, size = 120, 10
	for id := 1; id <= all; id++ {
		n.Set("Conversion", id, map[string]any{"ad_id": "x", "status": "approved", "updated": "2016-09-10 12:00:00"})
	}
	moved := 0
	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.N > 1 && moved < 5 {
			moved++
			n.Set("Conversion", moved, map[string]any{"updated": "2016-09-11 12:00:00"})
		}
		return nil
	})
	if _, err := dims.Updates(t.Context(), client, st, dims.Options{Network: "acme", PageSize: size}, period(t, "20160910..20160911")); err != nil {
		t.Fatal(err)
	}
	want(t, st, "SELECT count(), uniqExact(id) FROM conversion_updates", fmt.Sprintf("(%d,%[1]d)", all))
}

// Two refreshes of one network at once: one of them steps back, and no version is
// written twice.
func TestRefreshesAtOnce(t *testing.T) {
	t.Parallel()
	n, client := network(t)
	st := testkit.Database(t)
	var g errgroup.Group
	for range 3 {
		g.Go(func() error {
			_, err := dims.Refresh(t.Context(), client, st, dims.Options{Network: "acme", Entities: pick(t, "offers", "goals"), PageSize: 100})
			var held *lease.HeldError
			if errors.As(err, &held) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	refresh(t, client, st, dims.Options{Entities: pick(t, "offers", "goals")})
	want(t, st, "SELECT count(), uniqExact(id) FROM dim_offers", fmt.Sprintf("(%d,%[1]d)", len(n.IDs("Offer"))))
	want(t, st, "SELECT count(), uniqExact(id) FROM dim_goals", fmt.Sprintf("(%d,%[1]d)", len(n.IDs("Goal"))))
}
