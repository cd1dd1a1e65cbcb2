package simnet

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"

	"rawlogs/internal/rawlog"
)

// Control is what a demonstration steers a network with, under /control/:
// GET truth, calls and health; POST release, revoke-token, restore-token,
// expire-links?count=N, odd?kind=KIND and mend. It answers the loopback interface only, as the truth is
// nobody's business and the rest is sabotage.
func (n *Network) Control() http.Handler {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		_ = e.Encode(v) // the client may be gone
	}
	done := map[string]bool{"ok": true}
	mux.HandleFunc("GET /control/health", func(w http.ResponseWriter, _ *http.Request) { show(w, done) })
	mux.HandleFunc("GET /control/truth", func(w http.ResponseWriter, _ *http.Request) { show(w, n.Truth()) })
	mux.HandleFunc("GET /control/calls", func(w http.ResponseWriter, _ *http.Request) { show(w, n.Usage()) })
	mux.HandleFunc("POST /control/release", func(w http.ResponseWriter, _ *http.Request) {
		show(w, map[string]int{"released": n.Release()})
	})
	mux.HandleFunc("POST /control/revoke-token", func(w http.ResponseWriter, _ *http.Request) {
		n.Faults.RevokeToken(true)
		show(w, done)
	})
	mux.HandleFunc("POST /control/restore-token", func(w http.ResponseWriter, _ *http.Request) {
		n.Faults.RevokeToken(false)
		show(w, done)
	})
	mux.HandleFunc("POST /control/expire-links", func(w http.ResponseWriter, r *http.Request) {
		count, err := strconv.Atoi(r.URL.Query().Get("count"))
		if err != nil {
			http.Error(w, "want expire-links?count=N", http.StatusBadRequest)
			return
		}
		n.Faults.ExpireLinks(count)
		show(w, done)
	})
	publish := func(w http.ResponseWriter, f rawlog.File, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		show(w, map[string]string{"type": string(f.Type), "name": f.Name})
	}
	mux.HandleFunc("GET /control/odd", func(w http.ResponseWriter, _ *http.Request) { show(w, OddKinds()) })
	mux.HandleFunc("POST /control/odd", func(w http.ResponseWriter, r *http.Request) {
		f, err := n.Odd(r.Context(), r.URL.Query().Get("kind"))
		publish(w, f, err)
	})
	mux.HandleFunc("POST /control/mend", func(w http.ResponseWriter, r *http.Request) {
		f, err := n.Mend(r.Context())
		publish(w, f, err)
	})
	n.controlReports(mux)
	n.controlConversions(mux)
	return loopbackOnly(mux)
}

func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			http.Error(w, "control is for the loopback interface only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
