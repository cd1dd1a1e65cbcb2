package simnet

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
)

// Control is what a demonstration steers a network with, under /control/:
// GET truth, calls and health; POST release, revoke-token, restore-token and
// expire-links?count=N. It answers the loopback interface only, as the truth is
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
	n.controlReports(mux)
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
