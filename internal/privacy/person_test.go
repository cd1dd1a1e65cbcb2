package privacy

import (
	"bytes"
	"strings"
	"testing"

	"rawlogs/internal/records"
)

func obeying(t *testing.T, key string, people ...Person) *Policy {
	t.Helper()
	p, err := Parse("", []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	var receipts [][]string
	for _, person := range people {
		receipts = append(receipts, p.Receipt(person))
	}
	if p, err = p.Obeying(receipts); err != nil {
		t.Fatal(err)
	}
	return p
}

func person(t *testing.T, kind Kind, value string) Person {
	t.Helper()
	p, err := NewPerson(kind, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A row is a person's where the value is a whole text or stands in a link, in any spelling; a
// short one only behind its name.
func TestPeople(t *testing.T) {
	t.Parallel()
	p := obeying(t, "0123456789abcdef", person(t, Device, "6D92078A-8246-4BA4-AE5B-76104861E7DC"), person(t, Address, "2001:DB8::1"),
		person(t, Address, "203.0.113.7"), person(t, User, "424242"), person(t, Transaction, "short"))
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"device_id", "6D92078A-8246-4BA4-AE5B-76104861E7DC", true},
		{"affiliate_sub1", " 6d92078a-8246-4ba4-ae5b-76104861e7dc ", true},
		{"device_id_md5", "e29f28a0a8b0a3bc4ae19f2f5cb41e8e", false},
		{"x", "6D92078A-8246-4BA4-AE5B-76104861E7DC-more", false},
		{"url", "http://a/?b=6D92078A-8246-4BA4-AE5B-76104861E7DC", true},
		{"url", "http://a/?to=http%3A%2F%2Fb%2F%3Fc%3D6D92078A%252D8246-4BA4-AE5B-76104861E7DC", true},
		{"url", "http://a/?b=%zz&c=%36D92078A-8246-4BA4-AE5B-76104861E7DC", true},
		{"ip", "203.0.113.7", true}, {"x", "::ffff:203.0.113.7", true}, {"x", "203.0.113.77", false}, {"url", "http://a/?ip=203.0.113.7#x", true},
		{"ip", "2001:db8:0::1", true}, {"ip", "2001:db8::2", false},
		{"User-ID", "424242", true}, {"customer_id", "424242", true}, {"offer_id", "424242", false}, {"url", "http://a/?offer_id=424242", false},
		{"url", "http://a/?x=1&USER_ID=424242", true}, {"url", "http%3A%2F%2Fa%2F%3Fuser_id%3D424242", true},
		{"ad_id", "short", true}, {"user_id", "short", false}, {"x", "short", false}, {"x", "", false},
	} {
		if got := p.Watch().Sees(map[string]string{c.name: c.value}); got != c.want {
			t.Errorf("%s %q: %t", c.name, c.value, got)
		}
		if got := p.Watch().Sees(map[string]string{c.name: c.value, "other": "x"}); got != c.want {
			t.Errorf("%s %q beside another: %t", c.name, c.value, got)
		}
	}
	if (*Policy)(nil).Watch().Sees(map[string]string{"ip": "203.0.113.7"}) {
		t.Error("nobody is somebody")
	}
	for line, want := range map[string]bool{
		"a,203.0.113.7": true, `"x ""203.0.113.7"" y"`: true, `{"id":"424242"}`: true, "a\tshort\tb": true, "a=http%3A%2F%2Fb%2F203.0.113.7": true,
		"203.0.113.77": false, "shorter,4242421": false, strings.Repeat("x", 5000): true,
	} {
		if got := !bytes.Equal(p.Withheld([]byte(line), 0), []byte(line)); got != want {
			t.Errorf("%.40q: %t", line, got)
		}
	}
	if got := p.Withheld([]byte("x"), 1); string(got) != "(1 bytes, withheld as somebody was forgotten)" {
		t.Errorf("a later piece is %s", got)
	}
}

// The hashes of a device's id as others pass it are the device's, and the key decides.
func TestPeopleHashed(t *testing.T) {
	t.Parallel()
	known := person(t, Device, "Device-Known-To-All")
	p := obeying(t, "0123456789abcdef", known)
	for _, form := range known.known() {
		if !p.Watch().Sees(map[string]string{"device_id_sha1": strings.ToUpper(form)}) {
			t.Errorf("%s is nobody", form)
		}
	}
	if n := len(known.known()); n != 7 {
		t.Errorf("%d forms", n)
	}
	other := obeying(t, "another key of 16", known)
	if p.Receipt(known)[0] == other.Receipt(known)[0] || p.KeyID() == other.KeyID() {
		t.Error("the key does not matter")
	}
	if text := strings.Join(p.Receipt(known), " "); strings.Contains(strings.ToLower(text), "device") {
		t.Errorf("the receipt is %s", text)
	}
	if err := (*Policy)(nil).CanForget(); err == nil {
		t.Error("there is no key")
	}
	if short, err := Parse("", []byte("short")); err != nil || short.CanForget() == nil {
		t.Errorf("a short key will do: %v", err)
	}
}

// Rows of forgotten people are left out wherever they stand among others, also twice over the
// same memory, and a policy holds for the rest.
func TestMaskForgets(t *testing.T) {
	t.Parallel()
	p, err := Parse("b=drop", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = p.Obeying([][]string{p.Receipt(person(t, Address, "203.0.113.7"))}); err != nil {
		t.Fatal(err)
	}
	m := p.Lay([]string{"a", "b"}, nil, func(string) int { return -1 })
	for range 2 {
		for _, c := range []struct{ in, want string }{
			{"1x 203.0.113.7x 3y 203.0.113.7x 5z", "1,3,5"}, {"203.0.113.7x", ""}, {"1x", "1"}, {"203.0.113.7x 203.0.113.7x 3x", "3"}, {"", ""},
		} {
			in := &records.Records{Width: 2}
			for i, row := range strings.Fields(c.in) {
				at := uint32(len(in.Text))
				in.Text = append(in.Text, row...)
				n := uint32(len(row) - 1)
				in.Fields = append(in.Fields, records.Field{Off: at, Len: n}, records.Field{Off: at + n, Len: 1})
				in.Rows, in.Lines = in.Rows+1, append(in.Lines, uint32(i+2))
			}
			before := in.Rows
			out := m.Apply(in)
			var got []string
			for r := range out.Rows {
				v, _ := out.Value(r, 0, nil)
				got = append(got, string(v))
				if b, _ := out.Value(r, 1, nil); len(b) > 0 {
					t.Errorf("%q: the policy does not hold: %q", c.in, b)
				}
			}
			if strings.Join(got, ",") != c.want || out.Rows+m.Forgotten() != before || in.Rows != before {
				t.Errorf("%q: %q, %d forgotten", c.in, got, m.Forgotten())
			}
		}
	}
}

func TestReadRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"device_id,Device-IP,transform\nabc,,delete\n,1.2.3.4,\n", ""},
		{"\ufeffdevice_id\nx\n", ""},
		{"", "it is empty"}, {"device_id\n", "names nobody"}, {"device_id,ip\nx,1.2.3.4\n,\n", "line 3: names nobody"},
		{"device_id\nx\n0000-0000\n", "line 3: device_id: the value is what stands where there is none"},
		{"ip\n1.2.3.4\n1.2.3\n", "line 3: ip: the value is not an address"},
		{"ip,device_id\n1.2.3.4\n", "wrong number of fields"}, {"ip\n\"1.2.3.4\n", "quote"},
		{"device_id,other_idd\nx,y\n", `unknown column "other_idd"`}, {"ip,ip\n", `"ip" is named twice`}, {"transform\ndelete\n", "no column holds"},
		{"ip,transform\n1.2.3.4,export\n", "line 2: transform: only delete"}, {"ip,publisher_id\n1.2.3.4,7\n", "line 2: publisher_id: it asks to forget a part"},
		{"user_id\n" + strings.Repeat("x", 300) + "\n", "line 2: user_id: the value has 300 bytes"}, {"user_id\n{user_id}\n", "line 2: user_id: the value is what"},
		{"user_id\n\"a\nb\"\n", "line 2: user_id: the value has a control character"},
	} {
		people, err := ReadRequest(strings.NewReader(c.text))
		switch {
		case c.want == "" && (err != nil || len(people) == 0):
			t.Errorf("%q: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || len(people) > 0):
			t.Errorf("%q: %v, %d people", c.text, err, len(people))
		}
	}
}
