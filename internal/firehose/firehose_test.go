package firehose

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"rawlogs/internal/parse/csv"
	"rawlogs/internal/rawlog"
)

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

const most = 64 << 10

// items are all of a text: an event by its place, type and key, anything else by its reason.
func items(t *testing.T, text string) (out []string) {
	t.Helper()
	s := NewScanner(strings.NewReader(text), most)
	for {
		item, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if item.Event != nil {
			out = append(out, fmt.Sprintf("%d %s %s", item.Place, item.Type, strings.ReplaceAll(item.Event.Key(), "\x00", "/")))
		} else if item.Piece == 0 {
			out = append(out, fmt.Sprintf("%d %s ! %s", item.Place, item.Type, item.Reason))
		}
	}
}

const (
	click = `{"action":"click","event_id":"a"}`
	sale  = `{"action":"conversion","event_id":"b"}`
)

func TestScan(t *testing.T) {
	t.Parallel()
	cut := packed(click)
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"nothing":                       {"\n \n", nil},
		"lines":                         {click + "\r\n\n" + sale, []string{"1 clicks a", "2 conversions b"}},
		"a byte order mark":             {"\ufeff" + click, []string{"1 clicks a"}},
		"behind each other":             {click + sale, []string{"1 clicks a", "2 conversions b"}},
		"an envelope":                   {`{"version":1,"events":[` + click + `,` + sale + `],"tags":["x"]}`, []string{"1 clicks a", "2 conversions b"}},
		"an envelope with an action":    {`{"action":"deliver","events":[` + click + `]}`, []string{"1 clicks a"}},
		"an empty envelope":             {`{"events":[]}`, nil},
		"a list":                        {`[` + click + `,` + sale + `]`, []string{"1 clicks a", "2 conversions b"}},
		"packed":                        {packed(`{"events":[`+click+`]}`) + "\n" + packed(sale) + "\n", []string{"1 clicks a", "2 conversions b"}},
		"packed lines":                  {packed(click + "\n" + sale), []string{"1 clicks a", "2 conversions b"}},
		"packed, as a text":             {`"` + packed(sale) + `"`, []string{"1 conversions b"}},
		"packed, over lines":            {cut[:20] + "\n" + cut[20:40] + "\n" + cut[40:] + "\n", []string{"1 clicks a"}},
		"spread over lines":             {"{\n \"events\": [\n" + click + ",\n" + sale + "\n]}\n", []string{"1 clicks a", "2 conversions b"}},
		"an id as a number":             {`{"action":"impressions","event_id":12}`, []string{"1 impressions 12"}},
		"adjustments":                   {`{"action":"conversion","event_id":"b","adjust_action":2,"adjustment_sequence_id":7}{"action":"conversion","event_id":"c","adjust_action":"create"}`, []string{"1 conversions b/update/7", "2 conversions c/create/0"}},
		"the same key twice, same":      {`{"action":"click","event_id":"a","x":1,"x":1}`, []string{"1 clicks a"}},
		"no id":                         {`{"action":"conversion","x":1}` + "\n" + click, []string{"1 conversions ! an event without event_id", "2 clicks a"}},
		"null as an id":                 {`{"action":"conversion","event_id":null}`, []string{"1 conversions ! an event without event_id"}},
		"not base64":                    {"***\n" + click, []string{"1 clicks ! neither JSON nor base64", "2 clicks a"}},
		"not gzip":                      {"aGVsbG8gd29ybGQ=\n" + click, []string{"1 clicks ! base64, but not gzip", "2 clicks a"}},
		"gzip cut short":                {cut[:len(cut)/8*4] + "\n" + click, []string{"1 clicks ! its gzip ends too early: cut short", "2 clicks a"}},
		"gzip damaged":                  {"H4sI" + strings.Repeat("A", 80) + "\n" + click, []string{"1 clicks ! its gzip is damaged", "2 clicks a"}},
		"a packed nothing":              {packed(" ") + "\n" + click, []string{"1 clicks ! a message that holds nothing", "2 clicks a"}},
		"a bomb":                        {packed(strings.Repeat(" ", 2*most)) + "\n" + click, []string{"1 clicks ! it holds more than 65536 bytes", "2 clicks a"}},
		"not JSON":                      {click + "\n{'a':1}\n" + sale, []string{"1 clicks a", "2 clicks ! not JSON: invalid character '\\'' looking for beginning of object key string", "3 conversions b"}},
		"JSON cut short":                {click + "\n" + sale[:20], []string{"1 clicks a", "2 clicks ! not JSON: it ends too early"}},
		"a word behind an event":        {click + "oops\n" + sale, []string{"1 clicks a", "2 clicks ! not JSON: invalid character 'o' looking for beginning of value", "3 conversions b"}},
		"a number":                      {click + "\n[7]\n" + sale, []string{"1 clicks a", "2 clicks ! not an event", "3 conversions b"}},
		"an unknown action":             {`{"action":"view","event_id":"a"}`, []string{`1 clicks ! unknown action "view"`}},
		"no action and no list":         {`{"version":1}`, []string{"1 clicks ! neither an event (it has no action) nor an envelope (it has no list of events)"}},
		"an unknown action with a list": {`{"action":"view","event_id":"a","tags":["x"],"none":[]}`, []string{`1 clicks ! unknown action "view"`}},
		"an unknown adjustment":         {`{"action":"conversion","event_id":"b","adjust_action":3}`, []string{`1 conversions ! unknown adjust_action "3"`}},
		"an adjustment without a number": {`{"action":"conversion","event_id":"b","adjust_action":2}`,
			[]string{"1 conversions ! an adjustment without adjustment_sequence_id: one more of the same event could not be told from this one"}},
		"a key twice":       {`{"action":"click","event_id":"a","payout":1,"payout":2}`, []string{`1 clicks ! it has the key "payout" twice, with two values`}},
		"not UTF-8":         {`{"action":"click","event_id":"` + "\xff" + `"}`, []string{"1 clicks ! not UTF-8"}},
		"half a surrogate":  {`{"action":"click","event_id":"\ud800"}`, []string{`1 clicks ! the value of "event_id" holds half of a surrogate pair`}},
		"a huge line":       {click + "\n{\"x\":\"" + strings.Repeat("y", 3<<20) + "\"}\n" + sale, []string{"1 clicks a", "2 clicks ! a line of more than 65536 bytes", "3 conversions b"}},
		"a huge first line": {strings.Repeat("{", most+9) + "\n" + sale, []string{"1 clicks ! a line of more than 65536 bytes", "2 conversions b"}},
		"too deep":          {strings.Repeat("[", 9) + strings.Repeat("]", 9), []string{"1 clicks ! lists and messages within each other, too deep"}},
	} {
		if got := items(t, tc.text); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
}

// What is not an event keeps its text, byte for byte, also where it is cut into pieces.
func TestRejectedWhole(t *testing.T) {
	t.Parallel()
	long := `{"x":"` + strings.Repeat("0123456789", 300_000) + `"}`
	s := NewScanner(strings.NewReader(click+"\n"+long+"\n"+sale+"\n"), most)
	var raw []byte
	pieces := 0
	for {
		item, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if item.Event == nil {
			if item.Place != 2 || item.Piece != pieces || len(item.Raw) > pieceBytes {
				t.Errorf("place %d, piece %d of %d bytes", item.Place, item.Piece, len(item.Raw))
			}
			pieces++
			raw = append(raw, item.Raw...)
		}
	}
	if string(bytes.TrimRight(raw, "\n")) != long || pieces < 3 {
		t.Errorf("%d bytes in %d pieces, want %d bytes", len(raw), pieces, len(long))
	}
}

// table is a type's records: the header, then each line's place and values.
func table(t *testing.T, text string, typ rawlog.Type, drop ...int) (out []string) {
	t.Helper()
	p, err := Read(NewScanner(strings.NewReader(text), most), typ)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range drop {
		p.Drop(n)
	}
	c := NewCutter(p, NewScanner(strings.NewReader(text), most), func(r csv.Rejected) error {
		out = append(out, fmt.Sprintf("%d ! %s", r.Line, r.Raw))
		return nil
	})
	names, _ := c.Header()
	out = append(out, strings.Join(names, "|"))
	for err == nil {
		r := c.Cut(2)
		for i := range r.Rows {
			line := fmt.Sprint(r.Lines[i], " ")
			for f := range r.Width {
				v, _ := r.Value(i, f, nil)
				line += string(v) + "|"
			}
			out = append(out, strings.TrimSuffix(line, "|"))
		}
		err = c.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

func TestRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		typ  rawlog.Type
		drop []int
		want []string
	}{
		"a union of keys": {`{"action":"click","event_id":"a","x":"1"}{"action":"click","event_id":"b","y":true,"z":null}` + sale, rawlog.Clicks, nil,
			[]string{"event_id|action|x|y", "1 a|click|1|", "2 b|click||1"}},
		"dropped and of others": {click + sale + `{"action":"click","event_id":"c"}`, rawlog.Clicks, []int{0}, []string{"event_id|action", "3 c|click"}},
		"spellings of one column": {`{"action":"click","event_id":"a","aff_sub":"1"}{"action":"click","event_id":"b","aff_sub1":"2"}{"action":"click","event_id":"c","affiliate_sub1":"3","aff_sub":"4"}`, rawlog.Clicks, nil,
			[]string{"event_id|action|aff_sub|aff_sub", "1 a|click|1|", "2 b|click|2|", "3 c|click|3|4"}},
		"units and cents": {`{"action":"click","event_id":"a","payout":-1.505}{"action":"click","event_id":"b","payout_cents":150}{"action":"click","event_id":"c","current_payout":7}{"action":"click","event_id":"d","payout_cents":"x"}`, rawlog.Clicks, nil,
			[]string{"event_id|action|payout|payout_cents#2", "1 a|click|-1.505|", "2 b|click|1.5|", "3 c|click|7|", "4 d|click||x"}},
		"an adjustment": {`{"action":"conversion","event_id":"a","payout":10}{"action":"conversion","event_id":"a","adjust_action":2,"adjustment_sequence_id":1,"current_payout":0,"payout":-10}`, rawlog.Conversions, nil,
			[]string{"event_id|action|payout|adjust_action|adjustment_sequence_id|is_adjustment|current_payout", "1 a|conversion|10||||", "2 a|conversion|-10|2|1|1|0"}},
		"an instant": {`{"action":"click","event_id":"a","created_timestamp":1473411600}{"action":"click","event_id":"b","created_timestamp":1473411600,"datetime":"2016-09-09 09:00:00"}`, rawlog.Clicks, nil,
			[]string{"event_id|action|datetime|created_timestamp", "1 a|click|1473411600|", "2 b|click|2016-09-09 09:00:00|1473411600"}},
		"values of other kinds": {`{"action":"click","event_id":"a","list":[1, 2],"deep":{"k": "v"},"text":"\"q\",\n"}`, rawlog.Clicks, nil,
			[]string{"event_id|action|deep|list|text", "1 a|click|{\"k\":\"v\"}|[1,2]|\"q\",\n"}},
		"none":      {sale, rawlog.Clicks, nil, []string{"event_id"}},
		"put aside": {`{"action":"conversion"}` + "\nx\n" + sale, rawlog.Conversions, nil, []string{"event_id|action", `1 ! {"action":"conversion"}`, "3 b|conversion"}},
	} {
		if got := table(t, tc.text, tc.typ, tc.drop...); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, tc.want)
		}
	}
}

func TestShift(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		by   int
		want string
		ok   bool
	}{
		{"1.5", 2, "150", true}, {"-0.005", 2, "-0.5", true}, {"150", -2, "1.5", true}, {"-5", -2, "-0.05", true}, {"+7", 2, "700", true},
		{"0", -2, "0", true}, {".5", 2, "50", true}, {"1e3", 2, "1e3", false}, {"", 2, "", true}, {"-", 2, "-", false}, {"12345678901234567890.123", 2, "1234567890123456789012.3", true},
	} {
		if got, ok := shift(tc.text, tc.by); got != tc.want || ok != tc.ok {
			t.Errorf("%q by %d: %q, %v", tc.text, tc.by, got, ok)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{click + "\n" + sale, packed(click), `{"events":[` + sale + `]}`, "[[", `"` + packed("x") + `"`, "{\n}\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.TrimSpace(strings.Trim(text, "\ufeff")) == "" {
			return
		}
		for _, typ := range rawlog.Types() {
			p, err := Read(NewScanner(strings.NewReader(text), most), typ)
			if err != nil {
				continue
			}
			rows := 0
			c := NewCutter(p, NewScanner(strings.NewReader(text), most), func(csv.Rejected) error { return nil })
			for err == nil {
				rows += c.Cut(3).Rows
				err = c.Next()
			}
			if !errors.Is(err, io.EOF) || rows != len(p.Keys) {
				t.Fatalf("%d rows of %d events: %v", rows, len(p.Keys), err)
			}
		}
	})
}
