package store_test

import (
	"os"
	"testing"
	"time"

	"rawlogs/internal/engine"
	"rawlogs/internal/store"
)

func TestMain(m *testing.M) {
	engine.HostMain()
	os.Exit(m.Run())
}

func TestFirst(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Spec: "embedded:" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	t0 := time.Now()
	done, err := st.Apply(t.Context())
	t.Log(done, err, time.Since(t0))
	if err != nil {
		t.Fatal(err)
	}
	t0 = time.Now()
	done, err = st.Apply(t.Context())
	t.Log(done, err, time.Since(t0))
	cols, err := st.Columns(t.Context(), "clicks")
	t.Log(len(cols), err, cols)
	c, err := st.Dial(t.Context())
	t.Log(c != nil, err, st.InsertSettings())
	t.Log(st.Now(t.Context()))
	t.Log(st.CountInsert(t.Context(), "clicks", 12))
}
