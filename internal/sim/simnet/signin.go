package simnet

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// AuthorizePath is where integrators sign in.
const AuthorizePath = "/authorize"

// Access is who may call, beside the holder of the network's token, and what
// may be called. Its zero value lets nobody else in; its methods may be called
// while the network serves.
type Access struct {
	mu        sync.Mutex
	clients   map[string]integrator // by client id
	tokens    map[string]bearer
	keys      map[string]string // api_key → Affiliate or Advertiser
	forbidden map[string]bool   // targets
	lifetime  time.Duration
	signIns   int
	gateway   []*Answer // what the integrators' gateway says next
	posts     []Post
}

type integrator struct{ secret, id string }

type bearer struct {
	id      string
	expires time.Time
}

// Post is a call that came as a POST.
type Post struct {
	Target, Method string
	Params         url.Values
	Files          map[string]string // parameter → file name
	Bytes          map[string]string // parameter → content
}

// Integrator lets an integrator sign in.
func (a *Access) Integrator(clientID, secret, integratorID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.clients == nil {
		a.clients, a.tokens = map[string]integrator{}, map[string]bearer{}
	}
	a.clients[clientID] = integrator{secret, integratorID}
}

// Key makes an api_key of a side, Affiliate or Advertiser.
func (a *Access) Key(side, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		a.keys = map[string]string{}
	}
	a.keys[key] = side
}

// Lifetime sets how long tokens last that are given from now on: 24 hours.
func (a *Access) Lifetime(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lifetime = d
}

// RevokeTokens ends every integrator's token before its time.
func (a *Access) RevokeTokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.tokens)
}

// SignIns counts the tokens that were given.
func (a *Access) SignIns() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.signIns
}

// Forbid refuses a target to everybody, as a network does that has not granted
// it; or allows it again.
func (a *Access) Forbid(target string, forbid bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.forbidden == nil {
		a.forbidden = map[string]bool{}
	}
	a.forbidden[target] = forbid
}

// Gateway lets the integrators' gateway answer the next calls so, one answer a
// call, before it looks at them.
func (a *Access) Gateway(answers ...*Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gateway = append(a.gateway, answers...)
}

// GatewayError is an answer of the integrators' gateway, which uses real HTTP
// codes and has no envelope.
func GatewayError(status int, text string) *Answer {
	return &Answer{Status: status, Type: "application/json", Body: string(mustJSON(map[string]string{"message": text}))}
}

// Posts lists the calls that came as a POST.
func (a *Access) Posts() []Post {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Post(nil), a.posts...)
}

// authorize is the sign-in of integrators.
func (a *Access) authorize(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(mustJSON(v)) // the client may be gone
	}
	if r.Method != http.MethodPost {
		say(http.StatusMethodNotAllowed, map[string]string{"message": "Method Not Allowed"})
		return
	}
	var ask struct {
		ID       string `json:"client_id"`
		Secret   string `json:"client_secret"`
		Audience string `json:"audience"`
	}
	if json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&ask) != nil || ask.Audience == "" {
		say(http.StatusBadRequest, map[string]string{"message": "missing audience parameter"})
		return
	}
	client, ok := a.clients[ask.ID]
	if !ok || client.secret != ask.Secret || ask.Audience != "BrandAPI" {
		say(http.StatusUnauthorized, map[string]string{"error": "access_denied", "error_description": "Unauthorized"})
		return
	}
	lifetime := a.lifetime
	if lifetime == 0 {
		lifetime = 24 * time.Hour
	}
	token := "JWT" + rand.Text()
	a.tokens[token] = bearer{client.id, time.Now().Add(lifetime)}
	a.signIns++
	say(http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime / time.Second)})
}

// refuse tells why a call may not pass, by the rules of the way it signs in; nil
// lets it through.
func (a *Access) refuse(r *http.Request, q url.Values, token string) *Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	target := q.Get("Target")
	switch {
	case r.Header.Get("Authorization") != "" || q.Has("IntegratorId"):
		if refused := a.refuseIntegrator(r, q); refused != nil {
			return refused
		}
	case q.Has("api_key"):
		side := a.keys[q.Get("api_key")]
		if side == "" {
			return unknownNetwork("API key is not valid")
		}
		if !strings.HasPrefix(target, side+"_") {
			return Failure("Target " + target + " does not exist.")
		}
	case q.Get("NetworkToken") != token:
		return unknownNetwork("Network token is not valid")
	}
	if a.forbidden[target] {
		return Failure("Insufficient permissions to call " + target + "::" + q.Get("Method") + ".")
	}
	if r.Method == http.MethodPost {
		a.posts = append(a.posts, post(r, q))
	}
	return nil
}

func (a *Access) refuseIntegrator(r *http.Request, q url.Values) *Answer {
	if len(a.gateway) > 0 {
		next := a.gateway[0]
		a.gateway = a.gateway[1:]
		return next
	}
	if q.Get("IntegratorId") == "" {
		return GatewayError(http.StatusBadRequest, "missing integratorId parameter")
	}
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	held, known := a.tokens[text]
	if !ok || !known || time.Now().After(held.expires) {
		return GatewayError(http.StatusUnauthorized, "JWT is not valid or missing")
	}
	if held.id != q.Get("IntegratorId") {
		return GatewayError(http.StatusNotFound, q.Get("IntegratorId")+" does not exist within our system.")
	}
	return nil
}

// parameters are those of the query and of a posted form.
func parameters(r *http.Request) url.Values {
	q := r.URL.Query()
	if r.Method != http.MethodPost {
		return q
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		_ = r.ParseMultipartForm(32 << 20) // what cannot be read is not there
	} else {
		_ = r.ParseForm() // likewise
	}
	for name, values := range r.PostForm {
		q[name] = append(q[name], values...)
	}
	return q
}

func post(r *http.Request, q url.Values) Post {
	p := Post{Target: q.Get("Target"), Method: q.Get("Method"), Params: q, Files: map[string]string{}, Bytes: map[string]string{}}
	if r.MultipartForm == nil {
		return p
	}
	for name, files := range r.MultipartForm.File {
		file, err := files[0].Open()
		if err != nil {
			continue
		}
		content, _ := io.ReadAll(file) // from memory
		_ = file.Close()
		p.Files[name], p.Bytes[name] = files[0].Filename, string(content)
	}
	return p
}
