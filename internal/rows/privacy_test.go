package rows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rawlogs/internal/privacy"
)

func policy(t testing.TB, text string) *privacy.Policy {
	t.Helper()
	p, err := privacy.Parse(text, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What a policy takes is in no column and not rescued, by whatever name and however it is
// quoted, and a text that is read again gives the same.
func TestReaderPrivacy(t *testing.T) {
	t.Parallel()
	columns := []string{"transaction_id String", "ip String", "device_id LowCardinality(String)", "url String", "affiliate_unique_1 String", "n UInt32"}
	const all = "ip=truncate, device_id=drop, n=drop, affiliate_unique_1=drop, headers.e-mail=drop, url_params.email=drop"
	for _, c := range []struct{ name, policy, text, want string }{
		{"columns", all, "transaction_id,ip,device_id,url,affiliate_unique_1,n\nt,1.2.3.4,planted,http://a/?b=c,planted,7\n",
			`transaction_id="t" ip="1.2.3.0" device_id="" url="http://a/?b=c" affiliate_unique_1="" n=0 _line=2`},
		{"quoted", all, "transaction_id,ip,device_id,url,affiliate_unique_1,n\n\"t\",\"1.2.3.4\",\"pl\"\"anted\",\"http://a/?x=\"\"y\"\"&email=planted\",\"pla\nnted\",\"7\"\n",
			`transaction_id="t" ip="1.2.3.0" device_id="" url="http://a/?x=\"y\"&email=" affiliate_unique_1="" n=0 _line=2`},
		{"what does not fit", all, "transaction_id,ip,n\nt,planted,planted\n",
			`transaction_id="t" ip="" device_id="" url="" affiliate_unique_1="" n=0 _line=2`},
		{"other spellings, twice", all, "transaction_id,IP,ip,Device-ID,device_id,affiliate_unique1,aff_unique1\nt,1.2.3.4,5.6.7.8,planted,planted,planted,planted\n",
			`transaction_id="t" ip="5.6.7.0" device_id="" url="" affiliate_unique_1="" n=0 _line=2 IP~"1.2.3.0"`},
		{"headers without a column", all, "transaction_id,E-Mail,e_mail,other\nt,planted,planted,http://b?EMAIL=planted\n",
			`transaction_id="t" ip="" device_id="" url="" affiliate_unique_1="" n=0 _line=2 other~"http://b?EMAIL="`},
		{"a header in mid-text", all, "transaction_id,ip,n\nt,1.2.3.4,7\nip,transaction_id,n\n1.2.3.4,u,7\n",
			`transaction_id="t" ip="1.2.3.0" device_id="" url="" affiliate_unique_1="" n=0 _line=2` + "\n" +
				`transaction_id="u" ip="1.2.3.0" device_id="" url="" affiliate_unique_1="" n=0 _line=4`},
		{"not UTF-8", all, "transaction_id,device_id\nt,pl\xffanted\n",
			`transaction_id="t" ip="" device_id="" url="" affiliate_unique_1="" n=0 _line=2`},
		{"hashes", "transaction_id=hash, device_id=hash", "transaction_id,device_id\nt,t\n,\n",
			`transaction_id="9a0c78e6" ip="" device_id="9a0c78e6" url="" affiliate_unique_1="" n=0 _line=2` + "\n" +
				`transaction_id="" ip="" device_id="" url="" affiliate_unique_1="" n=0 _line=3`},
		{"nothing of it", all, "transaction_id\nt\n",
			`transaction_id="t" ip="" device_id="" url="" affiliate_unique_1="" n=0 _line=2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newReading(t, testTable(columns...), Config{Privacy: policy(t, c.policy)})
			for _, m := range modes() {
				for range 2 {
					got := r.read(t, m, []byte(c.text))
					for i, row := range got.Rows {
						for _, cell := range strings.Fields(row) { // hashes are cut to be told apart at a glance
							if _, v, _ := strings.Cut(cell, `="`); len(v) == 33 {
								row = strings.Replace(row, v, v[:8]+`"`, 1)
							}
						}
						got.Rows[i] = row
					}
					if diff := cmp.Diff(c.want, strings.Join(got.Rows, "\n")); diff != "" || got.Err != "" {
						t.Errorf("%s: rows (-want +got):\n%s%s", m.name, diff, got.Err)
					}
					if all := fmt.Sprintf("%+v", got); strings.Contains(all, "planted") || strings.Contains(all, "1.2.3.4") {
						t.Errorf("%s: it is left in %s", m.name, all)
					}
				}
			}
		})
	}
}

// BenchmarkPrivacy is BenchmarkParse under policies.
func BenchmarkPrivacy(b *testing.B) {
	for _, text := range []string{"", "ip=truncate", "ip=truncate, device_id=hash, google_aid=hash, ios_ifa=hash", "url_params.email=drop"} {
		b.Run(text, func(b *testing.B) {
			r := newReading(b, clicksTable(), Config{Privacy: policy(b, text)})
			benchmarkParse(b, r, "bytes")
		})
	}
}
