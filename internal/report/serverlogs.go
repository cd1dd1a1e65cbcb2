package report

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
)

const (
	serverLogsMethod = "getModSummaryLogs"
	serverLogsModel  = "ModSummaryLog"
)

// ServerLog sums up what the network's servers remarked on events of a day.
type ServerLog struct {
	Day     string // of the network's zone: 2016-09-09
	Action  string // click, conversion, …: no list of them is public
	Type    string // notice, error or debug
	Message string
	Offer   int64 // 0: of none
	Count   int64
}

// RefusedError reports that the account may not ask for the server logs.
type RefusedError struct {
	Err   error
	Again bool // it was reported before; nothing was asked this time
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap gives the API's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// mostLogPages bounds the reading of one span, for an API that ignores the filter.
const mostLogPages = 200

// ServerLogs asks for the server logs of a period's days and hands them over, in no
// order. Once the network refused them, it is not asked again: *RefusedError.
func (a *Asker) ServerLogs(ctx context.Context, p rawlog.Period, yield func(ServerLog)) error {
	if before := a.refused.Load(); before != nil {
		return &RefusedError{Err: before.Err, Again: true}
	}
	for _, s := range split(p, a.Days) {
		err := a.serverLogs(ctx, s, yield)
		if kind, ok := hasoffers.KindOf(err); ok && refusal(kind) {
			refused := &RefusedError{Err: err}
			a.refused.Store(refused)
			return refused
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// refusal reports whether an error is the account's lot, and no trouble that passes.
func refusal(kind hasoffers.Kind) bool {
	switch kind {
	case hasoffers.Permission, hasoffers.NotFound, hasoffers.Refused, hasoffers.Validation:
		return true
	default:
		return false
	}
}

func (a *Asker) serverLogs(ctx context.Context, s span, yield func(ServerLog)) error {
	field := func(name string) string { return serverLogsModel + "." + name }
	params := url.Values{}
	for _, name := range []string{"date", "action", "type", "message", "offer_id", "count"} {
		params.Add("fields[]", field(name))
		if name != "count" {
			params.Set("sort["+field(name)+"]", "asc") // pages without an order may repeat and miss rows
		}
	}
	Filter{field("date"), "BETWEEN", []string{s.from.Format(isoDay), s.to.AddDate(0, 0, -1).Format(isoDay)}}.put(params)
	params.Set("limit", strconv.Itoa(a.Limit))
	var before string
	for number := 1; number <= mostLogPages; number++ {
		params.Set("page", strconv.Itoa(number))
		data, err := a.client.Call(ctx, Network.Target(), serverLogsMethod, params)
		if err != nil {
			return err
		}
		page, err := hasoffers.SplitPage(data)
		if err != nil {
			return fmt.Errorf("%s::%s: %w", Network.Target(), serverLogsMethod, err)
		}
		if len(page.Rows) > 0 && string(page.Rows[0].Fields) == before {
			return nil // an API that knows no pages
		}
		for i, row := range page.Rows {
			if i == 0 {
				before = string(row.Fields)
			}
			l, err := readServerLog(row.Fields)
			if err != nil {
				return fmt.Errorf("%s::%s: %w", Network.Target(), serverLogsMethod, err)
			}
			if day, err := time.Parse(isoDay, l.Day); err == nil && !day.Before(s.from) && day.Before(s.to) {
				yield(l)
			}
		}
		if len(page.Rows) == 0 || page.Paged && number >= page.Pages || !page.Paged && len(page.Rows) < a.Limit {
			return nil
		}
	}
	return fmt.Errorf("%s::%s: more than %d pages of %d rows", Network.Target(), serverLogsMethod, mostLogPages, a.Limit)
}

// readServerLog finds the fields in a row: alone, or wrapped in the model's name, which the
// documentation gives as ModSummaryLog in one place and as Stat in another.
func readServerLog(raw json.RawMessage) (ServerLog, error) {
	var row map[string]json.RawMessage
	if err := json.Unmarshal(raw, &row); err != nil {
		return ServerLog{}, err
	}
	for _, model := range []string{serverLogsModel, "Stat"} {
		var inner map[string]json.RawMessage
		if wrapped, ok := row[model]; ok && json.Unmarshal(wrapped, &inner) == nil {
			row = inner
			break
		}
	}
	text := func(name string) string {
		var t hasoffers.Text
		if value, ok := row[name]; !ok || t.UnmarshalJSON(value) != nil {
			return ""
		}
		return string(t)
	}
	l := ServerLog{Day: text("date"), Action: strings.ToLower(text("action")), Type: strings.ToLower(text("type")), Message: text("message")}
	l.Offer, _ = strconv.ParseInt(text("offer_id"), 10, 64) // none is 0
	count, ok := ParseDecimal(text("count"))
	n, whole := count.Int()
	if l.Day == "" || !ok || !whole {
		return l, fmt.Errorf("a row has no date or no count")
	}
	l.Day, _, _ = strings.Cut(l.Day, " ")
	l.Count = n
	return l, nil
}

// About reports which log type's events an action is about; false for others, such as
// postbacks.
func (l ServerLog) About() (rawlog.Type, bool) {
	for _, t := range rawlog.Types() {
		if strings.Contains(l.Action, strings.TrimSuffix(string(t), "s")) {
			return t, true
		}
	}
	return "", false
}

// Debugs reports whether it is about a test that somebody made.
func (l ServerLog) Debugs() bool { return l.Type == "debug" }
