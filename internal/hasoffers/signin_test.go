package hasoffers_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/sim/simnet"
)

const (
	secretCanary = "CLIENTSECRETCANARY"
	keyCanary    = "APIKEYCANARY"
)

type signInNetwork struct {
	*simnet.Network
	URL string
}

func newNetwork(t *testing.T) signInNetwork {
	t.Helper()
	n := simnet.WithoutFiles(simnet.Config{ID: "acme", Limit: 10000})
	n.Access.Integrator("client", secretCanary, "int-1")
	n.Access.Key(hasoffers.Affiliate, keyCanary)
	server := httptest.NewServer(n)
	t.Cleanup(server.Close)
	return signInNetwork{n, server.URL}
}

func (n signInNetwork) client(t *testing.T, auth hasoffers.Auth) *hasoffers.Client {
	t.Helper()
	c, err := hasoffers.New(hasoffers.Config{
		NetworkID: "acme", Auth: auth, BaseURL: n.URL + simnet.APIPath,
		Calls: 10000, Per: 50 * time.Millisecond, Attempts: 3, Waits: 3, Backoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (n signInNetwork) integrator(t *testing.T, cfg hasoffers.IntegratorConfig) *hasoffers.Integrator {
	t.Helper()
	cfg.ClientID, cfg.AuthURL = "client", n.URL+simnet.AuthorizePath
	if cfg.ClientSecret == "" {
		cfg.ClientSecret = secretCanary
	}
	if cfg.IntegratorID == "" {
		cfg.IntegratorID = "int-1"
	}
	i, err := hasoffers.NewIntegrator(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func call(t *testing.T, c *hasoffers.Client) error {
	t.Helper()
	_, err := c.Call(t.Context(), "Offer", "findAll", url.Values{"limit": {"1"}})
	for _, canary := range []string{secretCanary, keyCanary, "JWT"} {
		if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), "JWT is not", ""), canary) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
	return err
}

func TestIntegrator(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	dir := filepath.Join(t.TempDir(), "cache")
	c := n.client(t, n.integrator(t, hasoffers.IntegratorConfig{CacheDir: dir}))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := call(t, c); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := n.Access.SignIns(); got != 1 {
		t.Errorf("%d sign-ins, want 1 for everybody", got)
	}
	// Another process finds the token in the cache, which nobody else can read.
	if err := call(t, n.client(t, n.integrator(t, hasoffers.IntegratorConfig{CacheDir: dir}))); err != nil || n.Access.SignIns() != 1 {
		t.Errorf("%v, %d sign-ins, want the cached token", err, n.Access.SignIns())
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v, want one file", files, err)
	}
	file := filepath.Join(dir, files[0].Name())
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v, want mode 0600", info.Mode(), err)
	}
	if raw, err := os.ReadFile(file); err != nil || strings.Contains(string(raw), secretCanary) || strings.Contains(file, "client") {
		t.Errorf("the cache tells the client's secret or id: %v", err)
	}
	// A token that ended early is renewed once, and the cache with it.
	n.Access.RevokeTokens()
	if err := call(t, c); err != nil || n.Access.SignIns() != 2 {
		t.Errorf("%v, %d sign-ins, want one renewal", err, n.Access.SignIns())
	}
	if err := call(t, n.client(t, n.integrator(t, hasoffers.IntegratorConfig{CacheDir: dir}))); err != nil || n.Access.SignIns() != 2 {
		t.Errorf("%v, %d sign-ins, want the renewed token from the cache", err, n.Access.SignIns())
	}
	// What others may have written is not trusted.
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := call(t, n.client(t, n.integrator(t, hasoffers.IntegratorConfig{CacheDir: dir}))); err != nil || n.Access.SignIns() != 3 {
		t.Errorf("%v, %d sign-ins, want a new one", err, n.Access.SignIns())
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the cache stays open to others: %v", err)
	}
}

func TestIntegratorTokenExpires(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Access.Lifetime(30 * time.Second) // less than the minute's margin
	c := n.client(t, n.integrator(t, hasoffers.IntegratorConfig{}))
	for want := 1; want <= 2; want++ {
		if err := call(t, c); err != nil || n.Access.SignIns() != want {
			t.Errorf("%v, %d sign-ins, want %d", err, n.Access.SignIns(), want)
		}
	}
}

func TestIntegratorRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		cfg     hasoffers.IntegratorConfig
		gateway []*simnet.Answer
		kind    hasoffers.Kind
		text    string
		calls   int // API calls that it takes; 0: not looked at
	}{
		{name: "wrong secret", cfg: hasoffers.IntegratorConfig{ClientSecret: "WRONG" + secretCanary}, kind: hasoffers.Unauthenticated, text: "authorize"},
		{name: "wrong audience", cfg: hasoffers.IntegratorConfig{Audience: "Other"}, kind: hasoffers.Unauthenticated, text: "authorize"},
		{name: "unknown integrator", cfg: hasoffers.IntegratorConfig{IntegratorID: "int-9"}, kind: hasoffers.Unauthenticated, text: "int-9 does not exist within our system", calls: 1},
		{name: "missing id", gateway: []*simnet.Answer{simnet.GatewayError(400, "missing integratorId parameter")}, kind: hasoffers.Unauthenticated, text: "missing integratorId", calls: 1},
		{name: "permission", gateway: []*simnet.Answer{simnet.GatewayError(401, "Insufficient permissions to call Offer::findAll")}, kind: hasoffers.Permission, text: "Insufficient permissions", calls: 1},
		{name: "origin", gateway: []*simnet.Answer{simnet.GatewayError(403, "Invalid origin: elsewhere")}, kind: hasoffers.Permission, text: "Invalid origin", calls: 1},
		{name: "too long", gateway: []*simnet.Answer{simnet.GatewayError(414, "URL exceeds allowed length of 8192")}, kind: hasoffers.Validation, text: "URL exceeds allowed length", calls: 1},
		{name: "method", gateway: []*simnet.Answer{simnet.GatewayError(405, "Method Not Allowed")}, kind: hasoffers.Validation, text: "HTTP 405", calls: 1},
		{name: "down", gateway: []*simnet.Answer{simnet.GatewayError(502, "Bad Gateway"), simnet.GatewayError(500, "x"), simnet.GatewayError(502, "Bad Gateway")}, kind: hasoffers.Unavailable, text: "HTTP 502", calls: 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			n.Access.Gateway(test.gateway...)
			err := call(t, n.client(t, n.integrator(t, test.cfg)))
			if kind, ok := hasoffers.KindOf(err); !ok || kind != test.kind || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v (%v), want %v with %q", err, kind, test.kind, test.text)
			}
			if got := len(n.Calls()); test.calls > 0 && got != test.calls {
				t.Errorf("%d calls, want %d", got, test.calls)
			}
		})
	}
}

// 502 and both limits pass by themselves.
func TestIntegratorPassingTrouble(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.Access.Gateway(
		simnet.GatewayError(502, "Bad Gateway"),
		simnet.GatewayError(429, "Exceeded concurrent rate limit: 6/5"),
		simnet.GatewayError(429, "Exceeded flat rate limit: 51/50 in 1 second window."),
	)
	begin := time.Now()
	if err := call(t, n.client(t, n.integrator(t, hasoffers.IntegratorConfig{}))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second || took > 5*time.Second {
		t.Errorf("took %v, want the second that the text names", took)
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	c := n.client(t, hasoffers.APIKey{Key: keyCanary, Side: hasoffers.Affiliate})
	data, err := c.Call(t.Context(), "Affiliate_Affiliate", "getAccountManager", nil)
	if err != nil || !strings.Contains(string(data), "@network.example") {
		t.Errorf("%s %v", data, err)
	}
	calls := len(n.Calls())
	for _, target := range []string{"Offer", "Advertiser_Offer", "RawLog"} {
		_, err := c.Call(t.Context(), target, "findAll", nil)
		if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Permission || !strings.Contains(err.Error(), "Affiliate_*") || strings.Contains(err.Error(), keyCanary) {
			t.Errorf("%s: %v, want a refusal that names the targets", target, err)
		}
	}
	if len(n.Calls()) != calls {
		t.Error("a refused target was called")
	}
	if err := call(t, n.client(t, hasoffers.APIKey{Key: "wrong"})); err == nil {
		t.Error("Offer with an api_key")
	}
	_, err = n.client(t, hasoffers.APIKey{Key: "wrong" + keyCanary}).Call(t.Context(), "Affiliate_Offer", "findAll", nil)
	if kind, _ := hasoffers.KindOf(err); kind != hasoffers.Unauthenticated {
		t.Errorf("a wrong key: %v", err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	c := n.client(t, hasoffers.NetworkToken(n.Token()))
	op := hasoffers.Op{
		Target: "OfferFile", Method: "create", Changes: true,
		Params: url.Values{"data[offer_id]": {"5"}, "data[filename]": {"a ž.png"}},
		Files:  []hasoffers.Upload{{Param: "file", FileName: "a ž.png", Content: []byte("PNG\x00\r\n")}},
	}
	if _, err := c.Do(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	post := n.Access.Posts()[0]
	if post.Bytes["file"] != "PNG\x00\r\n" || post.Files["file"] != "a ž.png" || post.Params.Get("data[filename]") != "a ž.png" {
		t.Errorf("%+v", post)
	}
	// A refusal by the rate limit is before anything was done; a lost answer
	// is not, and is not sent again.
	n.Faults.Intercept(func(r simnet.Request) *simnet.Answer {
		if r.Method == "update" && r.N == 1 {
			return simnet.RateLimited(50, 20*time.Millisecond, 51)
		}
		if r.Method == "update" {
			return simnet.GatewayTimeout()
		}
		return nil
	})
	_, err := c.Do(t.Context(), hasoffers.Op{Target: "Offer", Method: "update", Changes: true, Params: url.Values{"id": {"1"}}})
	var outcome *hasoffers.OutcomeError
	if !errors.As(err, &outcome) || !strings.Contains(err.Error(), "look before trying again") {
		t.Errorf("%v, want an unknown outcome", err)
	}
	updates := 0
	for _, call := range n.Calls() {
		if call.Method == "update" {
			updates++
		}
	}
	if updates != 2 {
		t.Errorf("%d calls, want 2", updates)
	}
	// Where nothing was sent, it is safe to try again, and plain to say.
	dead, err := hasoffers.New(hasoffers.Config{NetworkID: "acme", Auth: hasoffers.NetworkToken("x"), BaseURL: "http://127.0.0.1:1/", Attempts: 2, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Do(context.Background(), op); err == nil || errors.As(err, &outcome) {
		t.Errorf("%v, want a plain failure", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{
		"findAll": true, "getStats": true, "listLogs": true, "count": true, "create": false, "update": false, "setPayout": false,
		"findallX": false, "getaway": false, "deleteAll": false, "addGroup": false, "removeGroup": false, "": false, "Get": false,
	} {
		if got := hasoffers.ReadOnly(method); got != want {
			t.Errorf("%s: %v", method, got)
		}
	}
}
