package privacy

import (
	"strings"
	"testing"

	"rawlogs/internal/store"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func parsed(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := Parse(text, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, key, want, err string }{
		{"", "", "", ""},
		{" , ", "", "", ""},
		{"ip=keep", "", "", ""},
		{"ip=truncate,user_agent = drop", "", "ip=truncate, user_agent=drop", ""},
		{"user_agent=drop, ip=truncate", "", "ip=truncate, user_agent=drop", ""},
		{"url_params.a=b=drop, headers.e-mail=drop", "", "headers.e-mail=drop, url_params.a=b=drop", ""},
		{"transaction_id=hash", string(testKey), "transaction_id=hash (key 638d11b3)", ""},
		{"device_id=hash", "", "", "hash needs a key"},
		{"device_id=hash", "0123456789abcde", "", "15 bytes, want 16"},
		{"ip", "", "", "want a name and what becomes of it"},
		{"ip=truncat", "", "", `unknown policy "truncat": did you mean truncate?`},
		{"ip=obfuscate", "", "", "there are keep, drop, hash, truncate"},
		{"ip=drop, ip=truncate", "", "", "ip is named twice"},
		{"url_params.=drop", "", "", "names nothing"},
		{"=drop", "", "", "names nothing"},
		{"tune_event_id=drop", "", "", "tune_event_id cannot have a policy"},
		{"payout=drop", "", "", "payout cannot have a policy"},
		{"headers.Event ID=drop", "", "", "cannot have a policy"},
		{"transaction_id=drop", "", "", "can be kept or hashed, but not drop"},
		{"ad_id=truncate", "", "", "can be kept or hashed, but not truncate"},
	} {
		p, err := Parse(c.text, []byte(c.key))
		if (c.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			continue
		}
		if got := p.String(); err == nil && (got != c.want || p.On() != (c.want != "")) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	one, other := parsed(t, "device_id=hash"), parsed(t, "device_id=hash")
	if other.key = []byte("another key, long enough"); one.String() == other.String() {
		t.Error("another key is not another policy")
	}
	var none *Policy
	if none.On() || none.String() != "" || none.Lay([]string{"ip"}, nil, nil) != nil || none.Check(nil) != nil ||
		none.Text("ip", "1.2.3.4") != "1.2.3.4" || string(none.Withheld([]byte("x"), 0)) != "x" || none.Hide(`"x"`) != `"x"` {
		t.Error("no policy changes something")
	}
}

// A column that no table has is named with the one that was meant, and so is one that cannot
// hold what becomes of its values.
func TestCheck(t *testing.T) {
	t.Parallel()
	tables := map[string][]store.Column{
		"clicks":      {{Name: "ip", Type: "IPv6"}, {Name: "device_id", Type: "String"}, {Name: "browser_id", Type: "UInt32"}, {Name: "zip", Type: "FixedString(5)"}, {Name: "_file", Type: "String"}},
		"conversions": {{Name: "session_ip", Type: "IPv6"}, {Name: "user_agent", Type: "LowCardinality(String)"}, {Name: "at", Type: "IPv4"}},
	}
	for text, want := range map[string]string{
		"":                                 "",
		"ip=hash, session_ip=truncate":     "",
		"user_agent=hash, browser_id=drop": "",
		"at=truncate, zip=drop":            "",
		"url_params.nowhere=drop":          "",
		"headers.nowhere=drop":             "",
		"sesion_ip=drop":                   "session_ip?",
		"deviceId=drop":                    "device_id?",
		"wholly_unlike=drop":               "goes under headers",
		"_file=drop":                       `no table has a column "_file"`,
		"browser_id=hash":                  "browser_id is UInt32, which cannot hold a hash",
		"zip=hash":                         "zip is FixedString(5)",
		"at=hash":                          "at is IPv4",
		"browser_id=truncate":              "truncate is for addresses",
	} {
		err := parsed(t, text).Check(tables)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	p := parsed(t, "")
	for _, c := range []struct {
		value   string
		action  Action
		address bool
		want    string
	}{
		{"1.2.3.4", Truncate, true, "1.2.3.0"},
		{" 1.2.3.4 ", Truncate, false, "1.2.3.0"},
		{"::ffff:1.2.3.4", Truncate, true, "1.2.3.0"},
		{"2001:db8:1:2:3:4:5:6", Truncate, true, "2001:db8:1::"},
		{"fe80::1%eth0", Truncate, true, "fe80::"},
		{"1.2.3.4, 5.6.7.8", Truncate, true, ""},
		{"1.2.3.4:80", Truncate, true, ""},
		{"unknown", Truncate, false, ""},
		{"anything", Drop, false, ""},
		{"anything", Keep, false, "anything"},
		{"", Hash, false, ""},
		{"unknown", Hash, true, ""},
		{"device-1", Hash, false, "44cb7fbc7ebad7c748a9739f3d09a079"},
	} {
		if got := string(p.replace(nil, []byte(c.value), c.action, c.address)); got != c.want {
			t.Errorf("%s of %q: %q, want %q", c.action, c.value, got, c.want)
		}
	}
	hash := func(v string, address bool) string { return string(p.replace(nil, []byte(v), Hash, address)) }
	if a := hash("1.2.3.4", true); !strings.HasPrefix(a, "fd") || a != hash("::ffff:1.2.3.4", true) || a == hash("1.2.3.5", true) {
		t.Errorf("the hash of an address is %s", a)
	}
	if hash("1.2.3.4", false) != hash("::ffff:1.2.3.4", false) {
		t.Error("the hash of an address depends on how it is written")
	}
}

// Parameters of links are found by name wherever they stand, packed into others, too.
func TestLinks(t *testing.T) {
	t.Parallel()
	p := parsed(t, "url_params.email=drop, url_params.uid=hash, url_params.addr=truncate")
	uid := string(p.replace(nil, []byte("u 1"), Hash, false))
	for _, c := range [][2]string{
		{"", ""},
		{"http://a/b", "http://a/b"},
		{"http://a/b?c=d&e=f#g", "http://a/b?c=d&e=f#g"},
		{"100% = all", "100% = all"},
		{"http://a/?email=x@y.z", "http://a/?email="},
		{"http://a/?b=c&EMail=x%40y.z&d=e", "http://a/?b=c&EMail=&d=e"},
		{"http://a/?emails=x&xemail=y&email_=z", "http://a/?emails=x&xemail=y&email_=z"},
		{"http://a/#email=x", "http://a/#email="},
		{"http://a/;email=x?b", "http://a/;email=?b"},
		{"email=x&email=y", "email=&email="},
		{"?email[]=x&%65mail=y&email%5B%5D=z", "?email[]=&%65mail=&email%5B%5D="},
		{"?email==x=y", "?email="},
		{"?uid=u+1&uid=u%201", "?uid=" + uid + "&uid=" + uid},
		{"?addr=1.2.3.4&addr=me", "?addr=1.2.3.0&addr="},
		{"?to=http%3A%2F%2Fb%2F%3Femail%3Dx%26c%3Dd&e=f", "?to=http%3A%2F%2Fb%2F%3Femail%3D%26c%3Dd&e=f"},
		{"http%3A%2F%2Fb%2F%3Femail%3Dx", "http%3A%2F%2Fb%2F%3Femail%3D"},
		{"?to=http%253A%252F%252Fb%252F%253Femail%253Dx", "?to=http%253A%252F%252Fb%252F%253Femail%253D"},
		{"?to=email=x", "?to=email="},
		{"?to=%zz&email=x", "?to=%zz&email="},
		{"?email=%zz", "?email="},
		{"?a=%3D&b=%25", "?a=%3D&b=%25"},
	} {
		var s linkScratch
		for range 2 {
			got, changed := p.link([]byte(c[0]), &s)
			if string(got) != c[1] || changed != (c[0] != c[1]) {
				t.Errorf("%q: %q, changed %v; want %q", c[0], got, changed, c[1])
			}
		}
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	p := parsed(t, "ip=drop")
	for text, want := range map[string]string{
		`line 1: header: its one name, "1.2.3.4", isn't a column`: `line 1: header: its one name, "…", isn't a column`,
		`"a\"b" and "cut short`:                                   `"…" and "…"`,
		`Cannot parse 'x y': it isn't one`:                        `Cannot parse '…': it isn't one`,
		"nothing":                                                 "nothing",
	} {
		if got := p.Hide(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := string(p.Withheld([]byte("a,1.2.3.4"), 0)); got != "(9 bytes, withheld by the privacy policy)" {
		t.Error(got)
	}
	if got := parsed(t, "transaction_id=hash").Text("ad_id", "x"); len(got) != 32 {
		t.Errorf("the click's id in an update is %q", got)
	}
	if got := p.Text("country_code", "DE"); got != "DE" {
		t.Error(got)
	}
}

func FuzzLinks(f *testing.F) {
	f.Add("http://a/?to=http%3A%2F%2Fb%2F%3Femail%3Dx&email=y")
	f.Fuzz(func(t *testing.T, text string) {
		p := &Policy{rules: []rule{{parameter, "email", Drop}}}
		once, _ := p.link([]byte(text), new(linkScratch))
		again, _ := p.link(once, new(linkScratch))
		if string(once) != string(again) {
			t.Errorf("%q: %q, and that is %q", text, once, again)
		}
	})
}
