package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed login.html
var loginText string

//go:embed login.css
var loginStyle string

var loginPage = template.Must(template.New("login.html").Parse(loginText))

// cookie holds a session. It is sent to every port of this host, so it is a random
// number without a meaning elsewhere, and ends with the server.
const cookie = "ingest_page"

func (s *Server) page(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookie); err != nil || !s.sessions.has(c.Value) { //guard:web-session
		s.form(w, http.StatusUnauthorized, "")
		return
	}
	text, err := s.fresh.get(ctx, r.Context())
	if err != nil {
		s.cfg.Log.Warn("the page could not be made", "err", err)
		http.Error(w, "The store does not answer. The log of the program says why.", http.StatusServiceUnavailable)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // a recorder of a test has none
	w.Header().Set("Content-Security-Policy", s.cfg.Policy+"; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Encoding")
	body := text.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = text.packed
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that leaves is its own business
	}
}

// open lets in who has the key of the link.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	if !s.tries.may(r.RemoteAddr) {
		s.form(w, http.StatusTooManyRequests, "Too many attempts: wait a minute.")
		return
	}
	if !same(r.URL.Query().Get("key"), s.key) {
		s.tries.failed(r.RemoteAddr)
		s.form(w, http.StatusForbidden, "This link is of another time: the program prints a new one at each start.")
		return
	}
	s.admit(w, r)
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if !s.tries.may(r.RemoteAddr) { //guard:web-throttle
		w.Header().Set("Retry-After", strconv.Itoa(int(tryWindow/time.Second)))
		s.form(w, http.StatusTooManyRequests, "Too many attempts: wait a minute.")
		return
	}
	var large *http.MaxBytesError
	if err := r.ParseForm(); errors.As(err, &large) {
		s.form(w, http.StatusRequestEntityTooLarge, "That is longer than any password.")
		return
	}
	if s.cfg.Password == "" || !same(r.PostForm.Get("password"), s.cfg.Password) {
		s.tries.failed(r.RemoteAddr)
		s.form(w, http.StatusForbidden, "That is not the password.")
		return
	}
	s.admit(w, r)
}

// same compares in a time that tells nothing.
func same(given, wanted string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (s *Server) admit(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: s.sessions.begin(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(sessionTime / time.Second)})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) form(w http.ResponseWriter, status int, text string) {
	sum := sha256.Sum256([]byte(loginStyle))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = loginPage.Execute(w, struct { // to a client that may have left
		Style    template.CSS
		Text     string
		Password bool
	}{template.CSS(loginStyle), text, s.cfg.Password != ""})
}
