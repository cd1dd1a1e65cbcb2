package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/report"
)

// remarks are what the network's servers said of a day's events of a type.
type remarks struct {
	count    int64
	offers   map[int64]int64
	messages map[string]int64
}

// mostMessages bounds how many different messages of a day are told apart: some hold an id.
const mostMessages = 200

func (r *remarks) add(l report.ServerLog) {
	r.count += l.Count
	r.offers[l.Offer] += l.Count
	message := fmt.Sprintf("%q (%s)", plain.Line(l.Message, 120), plain.Line(l.Type, 20))
	if _, known := r.messages[message]; !known && len(r.messages) >= mostMessages {
		message = "other messages"
	}
	r.messages[message] += l.Count
}

// askServers asks what the network's servers turned away on the days on which the files have
// rows that the network does not count, and nothing else explains it.
func (j *job) askServers(ctx context.Context, typ rawlog.Type, lines []Line, out *Report) error {
	var days []string
	for _, l := range lines {
		if !l.Open && slices.ContainsFunc(l.Reasons, unexplained) {
			days = append(days, l.Day)
		}
	}
	if len(days) == 0 {
		return nil
	}
	first, err := time.Parse(isoDay, slices.Min(days))
	if err != nil {
		return err
	}
	last, err := time.Parse(isoDay, slices.Max(days))
	if err != nil {
		return err
	}
	said := map[string]*remarks{}
	err = j.ask.ServerLogs(ctx, rawlog.Period{From: first, To: last.AddDate(0, 0, 1)}, func(l report.ServerLog) {
		if about, ok := l.About(); !ok || about != typ || l.Debugs() || !slices.Contains(days, l.Day) {
			return
		}
		if said[l.Day] == nil {
			said[l.Day] = &remarks{offers: map[int64]int64{}, messages: map[string]int64{}}
		}
		said[l.Day].add(l)
	})
	var refused *report.RefusedError
	switch {
	case errors.As(err, &refused):
		if !refused.Again {
			out.Notes = append(out.Notes, fmt.Sprintf("the network does not say what its servers turned away: %s", refused))
		}
		return nil
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		// The totals are compared all the same; this is about reasons alone.
		if kind, ok := hasoffers.KindOf(err); ok && kind == hasoffers.Unauthenticated {
			return err
		}
		out.Notes = append(out.Notes, fmt.Sprintf("what the network's servers turned away is not known: %s", err))
		return nil
	}
	for i := range lines {
		if r := said[lines[i].Day]; r != nil && !lines[i].Open {
			r.explain(&lines[i])
		}
	}
	return nil
}

// unexplained reports whether a reason only says that the network counts fewer.
func unexplained(c Cause) bool {
	return c.Kind == NotInReport || c.Kind == Late && !c.told && c.Rows > 0
}

// explain gives the servers' remarks as the reason for what is unexplained, as far as they go.
// Of conversions, which change later as well, only if the number is just the same.
func (r *remarks) explain(l *Line) {
	i := slices.IndexFunc(l.Reasons, unexplained)
	if i < 0 {
		return
	}
	c := &l.Reasons[i]
	n, where := r.count, "on "+l.Day
	if l.Offer != nil {
		n, where = r.offers[*l.Offer], fmt.Sprintf("for offer %d on %s", *l.Offer, l.Day)
	}
	if n <= 0 {
		return
	}
	exact := n == c.Rows && l.Hour == nil // the remarks are of the whole day
	if c.Kind == Late && !exact {
		c.Text += fmt.Sprintf("; the servers turned away or remarked on %d conversions %s", n, where)
		return
	}
	told := Cause{
		Kind: ServerRejected, Rows: min(n, c.Rows), Exact: exact, Hours: c.Hours, Files: c.Files,
		Text: fmt.Sprintf("the network's servers turned away or remarked on %d %s %s (Report::getModSummaryLogs; messages of the day: %s); whether such events are in the raw logs is not documented",
			n, l.Type, where, r.top()),
	}
	if rest := c.Rows - told.Rows; rest > 0 {
		c.Rows, c.Exact = rest, false
		l.Reasons = slices.Insert(l.Reasons, i, told)
		return
	}
	*c = told
}

// top lists the most frequent messages.
func (r *remarks) top() string {
	all := slices.Collect(maps.Keys(r.messages))
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(r.messages[b], r.messages[a]), strings.Compare(a, b)) })
	for i, message := range all {
		all[i] = fmt.Sprintf("%d × %s", r.messages[message], message)
	}
	return few(all)
}
