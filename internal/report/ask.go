package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

// Config says how to ask; zero values mean the defaults named here.
type Config struct {
	Days   int  // days in a call at most; default 31, and never over a month's end
	Limit  int  // rows in a page; default 5000
	Totals bool // ask for the API's own totals too
	Log    *slog.Logger
}

// Asker asks questions. It is safe for concurrent use.
type Asker struct {
	Config
	client *hasoffers.Client
	brief  *hasoffers.Client

	refused atomic.Pointer[RefusedError] // getModSummaryLogs
}

// New makes an asker of a client.
func New(client *hasoffers.Client, cfg Config) *Asker {
	if cfg.Days <= 0 {
		cfg.Days = 31
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 5000
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	// A time-out of a long span is the span's fault: trying it six times would
	// cost minutes before the half that works is asked for. The copy shares
	// credentials and rate limit.
	brief := *client
	brief.Attempts = 1
	return &Asker{Config: cfg, client: client, brief: &brief}
}

// Row is one row of an answer: values by field name, as the API spelled them.
type Row map[string]string

// Answer is what the network says about some days.
type Answer struct {
	From, To time.Time // days of the network, half-open, as midnights in UTC
	Rows     []Row     // by date
	// Totals are the API's own sums of the additive fields, when asked for.
	Totals map[string]Decimal
	Calls  int
}

// TooLargeError reports that the network does not answer even for the shortest
// span that can be asked for.
type TooLargeError struct {
	Span   string
	ByHour bool
	Err    error
}

// Error says what to do about it.
func (e *TooLargeError) Error() string {
	hint := "group by Stat.hour, so that it can be asked for in hours, or filter"
	if e.ByHour {
		hint = "filter, or group by less"
	}
	return fmt.Sprintf("%s: the network does not get the report ready in time: %v; %s", e.Span, e.Err, hint)
}

// Unwrap gives the API's error.
func (e *TooLargeError) Unwrap() error { return e.Err }

// Ask asks a prepared question about each day of a period and hands over the
// answers in order, each about one or more whole days that belong together. A
// span that times out is halved, down to a day, and to hours where the
// question tells them apart.
func (a *Asker) Ask(ctx context.Context, q Question, p rawlog.Period, yield func(Answer) error) error {
	for _, s := range split(p, a.Days) {
		if err := a.ask(ctx, q, s, yield); err != nil {
			return err
		}
	}
	return nil
}

func (a *Asker) ask(ctx context.Context, q Question, s span, yield func(Answer) error) error {
	answer, err := a.whole(ctx, q, s)
	if !tooLarge(err) {
		if err != nil {
			return err
		}
		return yield(answer)
	}
	if s.days() > 1 {
		first, second, _ := s.halve(false)
		a.Log.Info("the report took too long, asking for halves", "span", s.String())
		if err = a.ask(ctx, q, first, yield); err != nil {
			return err
		}
		return a.ask(ctx, q, second, yield)
	}
	// The pieces of one day are one answer, so that the day is replaced as a whole.
	byHour := slices.Contains(q.Groups, hourField) && !slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.Field == hourField })
	answer, err = a.pieces(ctx, q, s, byHour)
	if err != nil {
		return err
	}
	return yield(answer)
}

// pieces asks for a day in hours as short as needed.
func (a *Asker) pieces(ctx context.Context, q Question, s span, byHour bool) (Answer, error) {
	first, second, ok := s.halve(byHour)
	if !ok {
		answer, err := a.fetch(ctx, a.client, q, s) // the last try is a patient one
		if tooLarge(err) {
			err = &TooLargeError{Span: s.String(), ByHour: byHour, Err: err}
		}
		return answer, err
	}
	a.Log.Info("the report took too long, asking for halves", "span", s.String())
	out := Answer{From: s.from, To: s.to}
	for _, half := range []span{first, second} {
		answer, err := a.whole(ctx, q, half)
		if tooLarge(err) {
			answer, err = a.pieces(ctx, q, half, byHour)
		}
		if err != nil {
			return out, err
		}
		out.Rows = append(out.Rows, answer.Rows...)
		out.Calls += answer.Calls
		out.Totals = addTotals(out.Totals, answer.Totals)
	}
	return out, nil
}

// whole asks once, and patiently when it was not the size that failed.
func (a *Asker) whole(ctx context.Context, q Question, s span) (Answer, error) {
	answer, err := a.fetch(ctx, a.brief, q, s)
	if kind, ok := hasoffers.KindOf(err); ok && !tooLarge(err) && (kind == hasoffers.Unavailable || kind == hasoffers.Malformed) {
		return a.fetch(ctx, a.client, q, s)
	}
	return answer, err
}

// slowError is a call that had no whole answer within the client's patience:
// from here, that is a time-out like the gateway's own.
type slowError struct{ err error }

func (e *slowError) Error() string { return e.err.Error() }
func (e *slowError) Unwrap() error { return e.err }

// tooLarge reports whether a call failed as large reports do.
func tooLarge(err error) bool {
	var slow *slowError
	if errors.As(err, &slow) {
		return true
	}
	var e *hasoffers.APIError
	if !errors.As(err, &e) || e.Kind != hasoffers.Unavailable {
		return false
	}
	return e.HTTPStatus == http.StatusGatewayTimeout || e.HTTPStatus == http.StatusRequestTimeout
}

// errMoved reports that the rows changed between two pages.
var errMoved = errors.New("the report changed while its pages were read")

func (a *Asker) fetch(ctx context.Context, client *hasoffers.Client, q Question, s span) (Answer, error) {
	const tries = 3
	for try := 1; ; try++ {
		answer, err := a.pages(ctx, client, q, s)
		if !errors.Is(err, errMoved) || try == tries {
			if err != nil {
				return answer, fmt.Errorf("%s: %w", s, err)
			}
			return answer, nil
		}
		a.Log.Info("the report changed between its pages, reading it again", "span", s.String())
	}
}

// pages reads all pages of an answer, and makes sure that they are pages of
// the same one: as many rows as announced, none twice, all of days asked for.
func (a *Asker) pages(ctx context.Context, client *hasoffers.Client, q Question, s span) (Answer, error) {
	out := Answer{From: s.from, To: s.to}
	params := q.params(s)
	params.Set("limit", strconv.Itoa(a.Limit))
	if a.Totals {
		params.Set("totals", "1")
	}
	seen := map[string]bool{}
	for number := 1; ; number++ {
		params.Set("page", strconv.Itoa(number))
		page, err := a.page(ctx, client, q, params)
		if err != nil {
			return out, err
		}
		out.Calls++
		for _, row := range page.rows {
			key := q.rowKey(row)
			if seen[key] {
				return out, fmt.Errorf("%w: %q came twice", errMoved, key)
			}
			seen[key] = true
			if day, err := time.Parse(isoDay, row[dateField]); err != nil || day.Before(s.from) || !day.Before(s.to) {
				return out, fmt.Errorf("the answer has a row of %q, which was not asked for", row[dateField])
			}
		}
		out.Rows = append(out.Rows, page.rows...)
		if number == 1 {
			out.Totals = page.totals
		}
		if number >= page.pages || len(page.rows) == 0 {
			if page.count >= 0 && page.count != len(out.Rows) {
				return out, fmt.Errorf("%w: %d rows announced, %d read", errMoved, page.count, len(out.Rows))
			}
			return out, nil
		}
	}
}

type page struct {
	rows   []Row
	totals map[string]Decimal
	count  int // rows of all pages; -1 where the answer does not say
	pages  int
}

func (a *Asker) page(ctx context.Context, client *hasoffers.Client, q Question, params url.Values) (page, error) {
	begin := time.Now()
	data, err := client.Call(ctx, q.As.Target(), "getStats", params)
	if kind, ok := hasoffers.KindOf(err); ok && kind == hasoffers.Unavailable && time.Since(begin) >= client.Timeout {
		return page{}, &slowError{err}
	}
	if err != nil {
		return page{}, err
	}
	type entities = hasoffers.Map[hasoffers.Map[hasoffers.Text]]
	var answer struct {
		Count, PageCount *hasoffers.Int
		Data             hasoffers.List[entities]
		Totals           json.RawMessage
	}
	if text := strings.TrimSpace(string(data)); text == "[]" || text == "null" || text == `""` {
		return page{}, nil
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return page{}, fmt.Errorf("%s::getStats: the answer's rows are not as documented: %w", q.As.Target(), err)
	}
	p := page{count: -1, pages: 1}
	if answer.Count != nil {
		p.count = int(*answer.Count)
	}
	if answer.PageCount != nil {
		p.pages = int(*answer.PageCount)
	}
	for _, e := range answer.Data {
		row := Row{}
		for entity, fields := range e {
			for name, value := range fields {
				row[entity+"."+name] = string(value)
			}
		}
		for _, name := range slices.Concat(q.Groups, q.Fields) {
			if _, ok := row[name]; !ok {
				return page{}, fmt.Errorf("%s::getStats: a row has no %s", q.As.Target(), name)
			}
		}
		p.rows = append(p.rows, row)
	}
	if len(answer.Totals) > 0 {
		var totals entities
		if json.Unmarshal(answer.Totals, &totals) == nil {
			p.totals = q.readTotals(totals)
		}
	}
	return p, nil
}

// readTotals keeps the totals that add up.
func (q Question) readTotals(totals hasoffers.Map[hasoffers.Map[hasoffers.Text]]) map[string]Decimal {
	out := map[string]Decimal{}
	for entity, fields := range totals {
		for name, value := range fields {
			full := entity + "." + name
			if f, ok := lookup(full, q.As); !ok || f.kind != count && f.kind != money || !slices.Contains(q.Fields, full) {
				continue
			}
			if d, ok := ParseDecimal(string(value)); ok {
				out[full] = d
			}
		}
	}
	return out
}

// rowKey is what tells a row from the others of its answer.
func (q Question) rowKey(r Row) string {
	values := make([]string, len(q.Groups))
	for i, g := range q.Groups {
		values[i] = strings.ReplaceAll(strings.ReplaceAll(r[g], `\`, `\\`), "|", `\|`)
	}
	return strings.Join(values, "|")
}
