package hasoffers

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const fine = Kind(-1)

func TestDecode(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tc := range []struct {
		name    string
		status  int
		kind    Kind
		message string // of the first message
		data    string // its beginning
	}{
		{"date_dirs", 200, fine, "", `{"logType":"clicks","dateDirs"`},
		{"logs", 200, fine, "", `{"logFiles":[{`},
		{"link", 200, fine, "", `{"link":`},
		{"expirations", 200, fine, "", `{"logExpireInDays"`},
		{"empty_list", 200, fine, "", `[]`},
		{"null_data", 200, fine, "", `null`},
		{"no_errors_member", 200, fine, "", `{"3":`},
		{"report", 200, fine, "", `{"page":1`},
		{"rate_limit", 200, RateLimited, "This network: API usage exceeded", ""},
		{"rate_limit_doc", 200, RateLimited, "User has exceeded", ""},
		{"bad_network", 200, Unauthenticated, "Network id is not valid", ""},
		{"bad_token", 200, Unauthenticated, "NetworkToken is not valid", ""},
		{"validation", 200, Validation, "Missing required", ""},
		{"permission", 200, Permission, "Insufficient permissions", ""},
		{"not_found", 200, NotFound, "Log file could", ""},
		{"temporary", 200, Unavailable, "Service temporarily", ""},
		{"refused", 200, Refused, "Raw logs are switched off", ""},
		{"status_only", 200, Refused, "status -1 without a message", ""},
		{"no_status", 200, Malformed, "the answer has neither", ""},
		{"no_data", 200, Malformed, "the answer has no data", ""},
		{"no_response", 200, Malformed, "the answer has no response", ""},
		{"response_is_array", 200, Malformed, "the answer has no response", ""},
		{"truncated", 200, Malformed, "the answer is truncated", ""},
		{"html", 200, Malformed, "the answer is a page", ""},
		{"empty", 200, Malformed, "the answer is empty", ""},
		{"html", 502, Unavailable, "", ""},
		{"empty", 504, Unavailable, "", ""},
		{"truncated", 500, Unavailable, "", ""},
		{"html", 404, NotFound, "", ""},
		{"html", 403, Permission, "", ""},
		{"empty", 302, NotFound, "", ""},
		{"empty", 429, RateLimited, "", ""},
		{"rate_limit", 429, RateLimited, "This network", ""},
		{"logs", 500, Unavailable, "", ""},
		{"bad_network", 401, Unauthenticated, "Network id", ""},
	} {
		seen[tc.name] = true
		data, e := decode(tc.status, read(t, tc.name))
		if tc.kind == fine {
			if e != nil || !strings.HasPrefix(string(data), tc.data) {
				t.Errorf("%s: got %.60s, %v, want %s", tc.name, data, e, tc.data)
			}
			continue
		}
		if e == nil {
			t.Errorf("%s %d: no error", tc.name, tc.status)
			continue
		}
		if e.Kind != tc.kind {
			t.Errorf("%s %d: kind %v, want %v (%v)", tc.name, tc.status, e.Kind, tc.kind, e)
		}
		if tc.message != "" && (len(e.Messages) == 0 || !strings.HasPrefix(e.Messages[0], tc.message)) {
			t.Errorf("%s: messages %q, want %q", tc.name, e.Messages, tc.message)
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !seen[name] {
			t.Errorf("%s is not in the table", f)
		}
	}
}

func TestValidationError(t *testing.T) {
	t.Parallel()
	_, e := decode(200, read(t, "validation"))
	if e.Code != 3 || e.Attribute != "log_type" || len(e.Messages) != 2 || e.Messages[1] != "date_dir is malformed" {
		t.Errorf("got %+v", e)
	}
}

// The integrator's gateway answers with real HTTP codes.
func TestGatewayErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		kind   Kind
	}{
		{400, `{"message":"missing integratorId parameter"}`, Unauthenticated},
		{401, `{"message":"JWT is not valid or missing"}`, Unauthenticated},
		{401, `{"error":"Insufficient permissions for RawLog"}`, Permission},
		{403, `{"message":"Invalid origin: 10.0.0.1"}`, Permission},
		{404, `{"message":"42 does not exist within our system"}`, Unauthenticated},
		{405, `{}`, Validation},
		{414, `{"message":"URL exceeds allowed length of 8192"}`, Validation},
		{429, `{"message":"Exceeded flat rate limit: <51/50> in <10> second window."}`, RateLimited},
		{500, `{"message":"oops"}`, Unavailable},
		{502, ``, Unavailable},
	} {
		if _, e := decode(tc.status, []byte(tc.body)); e == nil || e.Kind != tc.kind || e.HTTPStatus != tc.status {
			t.Errorf("%d %s: got %v, want %v", tc.status, tc.body, e, tc.kind)
		}
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	var v struct {
		A, B, C, D Text
		E, F, G, H Int
		I, J, K    List[Int]
		L, M, N, O Map[Int]
	}
	err := json.Unmarshal([]byte(`{"A":"x","B":12.50,"C":null,"D":true,"E":7,"F":"-8","G":"","H":null,
		"I":[1,"2"],"J":{"9":"3","1":4,"5":5},"K":[],"L":{"a":"1"},"M":[],"N":"","O":null}`), &v)
	if err != nil {
		t.Fatal(err)
	}
	if v.A != "x" || v.B != "12.50" || v.C != "" || v.D != "true" || v.E != 7 || v.F != -8 || v.G != 0 || v.H != 0 {
		t.Errorf("scalars: %+v", v)
	}
	if !slices.Equal(v.I, List[Int]{1, 2}) || !slices.Equal(v.J, List[Int]{3, 4, 5}) || len(v.K) != 0 {
		t.Errorf("lists: %v %v %v", v.I, v.J, v.K)
	}
	if v.L["a"] != 1 || len(v.M)+len(v.N)+len(v.O) != 0 {
		t.Errorf("maps: %v %v %v %v", v.L, v.M, v.N, v.O)
	}
	for _, bad := range []string{`{"A":{}}`, `{"E":"x"}`, `{"E":[]}`, `{"I":"x"}`, `{"L":[1]}`, `{"L":"x"}`, `{"E":1.5}`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 20 {
		f.Fatalf("seeds: %d, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 200)
	}
	f.Add([]byte(`{"response":{"errors":[[[{"a":{"b":"c\"}"}}]]]}}`), 500)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		data, e := decode(status, body)
		if (e == nil) == (data == nil) {
			t.Fatalf("data %q and error %v", data, e)
		}
		if e != nil {
			if strings.ContainsAny(e.Error(), "\x00\x1b\n\r") {
				t.Fatalf("unprintable: %q", e.Error())
			}
			return
		}
		// What is taken for data is what encoding/json finds there.
		var want struct {
			Response map[string]json.RawMessage `json:"response"`
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatalf("data from what is no object: %v", err)
		}
		if err := json.Unmarshal(all["response"], &want.Response); err != nil {
			t.Fatal(err)
		}
		if string(want.Response["data"]) != string(data) || status != http.StatusOK {
			t.Fatalf("data %q, want %q", data, want.Response["data"])
		}
		var l List[json.RawMessage]
		_ = json.Unmarshal(data, &l)
		var files []struct{ Filename Text }
		_ = listing(data, "clicks", "logFiles", &files)
	})
}
