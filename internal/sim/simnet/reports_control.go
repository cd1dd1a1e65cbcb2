package simnet

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rawlogs/internal/rawlog"
)

// Lose takes the files of an hour out of the listings and the bucket, after
// they were counted: what reconcile has to find. It returns their names.
func (n *Network) Lose(ctx context.Context, t rawlog.Type, hour time.Time) ([]string, error) {
	var names []string
	for _, f := range n.list(t, "") {
		if !f.Hour.Equal(hour) {
			continue
		}
		if err := n.Vanish(ctx, t, f.Name); err != nil {
			return names, err
		}
		n.Unlist(t, f.Name)
		names = append(names, f.Name)
	}
	return names, nil
}

// controlReports adds what makes totals and files disagree, by POST:
// lose?type=clicks&hour=2016-09-09T05, phantom?type=clicks&hour=2016-09-09T05&offer=7&count=25
// and slow?hours=24.
func (n *Network) controlReports(mux *http.ServeMux) {
	post := func(name string, do func(ctx context.Context, q url.Values) (string, error)) {
		mux.HandleFunc("POST /control/"+name, func(w http.ResponseWriter, r *http.Request) {
			done, err := do(r.Context(), r.URL.Query())
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			_, _ = fmt.Fprintln(w, done) // the client may be gone
		})
	}
	post("lose", func(ctx context.Context, q url.Values) (string, error) {
		t, hour, err := typeAndHour(q)
		if err != nil {
			return "", err
		}
		names, err := n.Lose(ctx, t, hour)
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("no %s file for %s", t, hour.Format(time.RFC3339))
		}
		return fmt.Sprintf("lost %q", names), err
	})
	post("phantom", func(_ context.Context, q url.Values) (string, error) {
		t, hour, err := typeAndHour(q)
		if err != nil {
			return "", err
		}
		count, err := strconv.Atoi(q.Get("count"))
		if err != nil {
			return "", fmt.Errorf("want count=N")
		}
		offer, _ := strconv.Atoi(q.Get("offer")) // none is offer 0
		n.Reports.Phantom(t, hour, offer, count)
		return fmt.Sprintf("%+d %s in %s", count, t, hour.Format(time.RFC3339)), nil
	})
	post("slow", func(_ context.Context, q url.Values) (string, error) {
		hours, err := strconv.Atoi(q.Get("hours"))
		if err != nil {
			return "", fmt.Errorf("want hours=N")
		}
		n.Reports.Slow(hours)
		return "ok", nil
	})
}

func typeAndHour(q url.Values) (rawlog.Type, time.Time, error) {
	t, err := rawlog.ParseType(q.Get("type"))
	if err != nil {
		return "", time.Time{}, err
	}
	hour, err := time.Parse("2006-01-02T15", q.Get("hour"))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("want hour=2016-09-09T05")
	}
	return t, hour, nil
}
