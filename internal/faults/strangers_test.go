package faults

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"rawlogs/internal/store"
)

// Another user of the machine, or a page in a browser on it, posts statements
// without a password to the embedded store while a run writes to it: at every
// write, with all that would end the run or take its processor. The run does
// not notice.
func TestStrangersAtTheStore(t *testing.T) {
	t.Parallel()
	r := newDatabase(t).rig(t)
	src, most := r.season()
	e, _ := r.st.Engine()
	var refused, taken atomic.Int32
	post := func(ctx context.Context, statement string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.HTTPAddr+"/", strings.NewReader(statement))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "text/plain")
		req.Header.Set("Origin", "https://page.example")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", statement, err)
			return
		}
		defer res.Body.Close()
		if body, _ := io.ReadAll(res.Body); res.StatusCode == http.StatusOK || len(body) == 0 {
			taken.Add(1)
			t.Errorf("%s: the store did it: %d %s", statement, res.StatusCode, body)
			return
		}
		refused.Add(1)
	}
	st, err := store.Open(t.Context(), store.Config{Spec: r.dsnAt(e.Addr), Log: r.said.log(), Hook: func(ctx context.Context, _ store.Op, do func(context.Context) error) error {
		if taken.Load() == 0 { // the first is enough to know
			for _, statement := range []string{
				"SELECT count() FROM numbers(100000000000)", "SELECT length(range(500000000))",
				"KILL QUERY WHERE 1", "SYSTEM STOP MERGES", "SYSTEM STOP LISTEN TCP",
			} {
				post(ctx, statement)
			}
		}
		return do(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	stop := r.watch(most)
	sum, err := r.runOn(st, src)
	stop()
	if err != nil || sum.Loaded != 4 || refused.Load() == 0 {
		t.Fatalf("%v, %+v, %d statements refused", err, sum, refused.Load())
	}
	r.recover(src)
}
