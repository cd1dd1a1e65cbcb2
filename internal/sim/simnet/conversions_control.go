package simnet

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ConversionReport is how getConversions behaves. Its zero value shows everything;
// its methods may be called while the network serves.
type ConversionReport struct {
	mu      sync.Mutex
	refused map[string]bool
	gone    map[string]bool
	shape   conversionShape
}

// conversionShape is what answers look like.
type conversionShape struct {
	maxRows, miscount, arriving, days int
	today                             time.Time
	currencies                        []string
	numbers                           bool
}

// Refuse makes fields ones that the account may not ask for, or allows them again.
func (r *ConversionReport) Refuse(refuse bool, fields ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused == nil {
		r.refused = map[string]bool{}
	}
	for _, f := range fields {
		r.refused[f] = refuse
	}
}

// Delete takes conversions out of the report by their id.
func (r *ConversionReport) Delete(ids ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == nil {
		r.gone = map[string]bool{}
	}
	for _, id := range ids {
		r.gone[strconv.Itoa(id)] = true
	}
}

// Slow makes questions that find more than so many rows end in a 504; 0 ends it.
func (r *ConversionReport) Slow(rows int) { r.set(func(s *conversionShape) { s.maxRows = rows }) }

// Arriving keeps back so many of the rows of every question, spread among the others,
// and lets one of them appear with each call: what moves rows from page to page.
func (r *ConversionReport) Arriving(rows int) { r.set(func(s *conversionShape) { s.arriving = rows }) }

// Miscount makes count say more rows than there are, or fewer.
func (r *ConversionReport) Miscount(by int) { r.set(func(s *conversionShape) { s.miscount = by }) }

// Currencies makes each amount come in these currencies too, the network's own first;
// none is the one currency of the offer, alone.
func (r *ConversionReport) Currencies(currencies ...string) {
	r.set(func(s *conversionShape) { s.currencies = slices.Clone(currencies) })
}

// Numbers makes numbers come as numbers instead of texts.
func (r *ConversionReport) Numbers(numbers bool) {
	r.set(func(s *conversionShape) { s.numbers = numbers })
}

// Back is how many days before today questions may reach; 0 is any number.
func (r *ConversionReport) Back(days int, today time.Time) {
	r.set(func(s *conversionShape) { s.days, s.today = days, today })
}

func (r *ConversionReport) set(change func(*conversionShape)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.shape)
}

// next is the shape of the answer to this call.
func (r *ConversionReport) next() conversionShape {
	r.mu.Lock()
	defer r.mu.Unlock()
	shape := r.shape
	r.shape.arriving = max(shape.arriving-1, 0)
	return shape
}

func (r *ConversionReport) deleted() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := make(map[string]bool, len(r.gone))
	for id := range r.gone {
		gone[id] = true
	}
	return gone
}

func (r *ConversionReport) shows(target, field string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(conversionFields, field) && ownConversionField(target, field) && !r.refused[field]
}

// holdBack leaves out so many rows, spread among the others: with one fewer, one of
// them appears and no other goes.
func holdBack(rows []*conversion, v conversionView, n int) []*conversion {
	v.order(nil, rows)
	return rows[min(n, len(rows)):]
}

// controlConversions adds, by POST, conversions?refuse=FIELD, ?allow=FIELD, ?slow=ROWS,
// ?arriving=ROWS, ?miscount=BY, ?delete=ID, ?currencies=USD,EUR, ?numbers=1, ?halve=LINKS
// and ?revise=EVERY, and
// raw-logs?retired=1.
func (n *Network) controlConversions(mux *http.ServeMux) {
	number := func(set func(int)) func(string) error {
		return func(text string) error {
			v, err := strconv.Atoi(text)
			if err == nil {
				set(v)
			}
			return err
		}
	}
	r := &n.Conversions
	knobs := map[string]func(string) error{
		"refuse":   func(f string) error { r.Refuse(true, f); return nil },
		"allow":    func(f string) error { r.Refuse(false, f); return nil },
		"slow":     number(r.Slow),
		"arriving": number(r.Arriving),
		"miscount": number(r.Miscount),
		"delete":   number(func(id int) { r.Delete(id) }),
		"currencies": func(list string) error {
			r.Currencies(strings.FieldsFunc(list, func(c rune) bool { return c == ',' })...)
			return nil
		},
		"halve":   number(n.Downloads.Halve),
		"revise":  number(func(every int) { n.Revise(every) }),
		"numbers": number(func(v int) { r.Numbers(v != 0) }),
		"retired": number(func(v int) { n.Faults.RetireRawLogs(v != 0) }),
	}
	turn := func(w http.ResponseWriter, q url.Values) {
		for name, values := range q {
			knob := knobs[name]
			if knob == nil {
				http.Error(w, "no knob is called "+name, http.StatusBadRequest)
				return
			}
			if err := knob(values[0]); err != nil {
				http.Error(w, fmt.Sprintf("want %s=N", name), http.StatusBadRequest)
				return
			}
		}
		_, _ = fmt.Fprintln(w, "ok") // the client may be gone
	}
	for _, path := range []string{"conversions", "raw-logs"} {
		mux.HandleFunc("POST /control/"+path, func(w http.ResponseWriter, r *http.Request) { turn(w, r.URL.Query()) })
	}
}
