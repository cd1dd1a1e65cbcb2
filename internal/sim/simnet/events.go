package simnet

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// Events says how the events of a Firehose are delivered.
type Events struct {
	// Form is how they stand in a file: "lines" of JSON, "envelopes" of several events, one
	// a line, or "messages", which are such envelopes as the queue has them: gzip in base64.
	Form string
	// Repeat delivers every so many event once more, in the file of the hour after it; 0: none.
	Repeat int
}

// perEnvelope is how many events come together.
const perEnvelope = 10

// PublishEvents writes all that happened so far into a folder, a file for each hour, as the
// vendor's Firehose delivers it: impressions, clicks, conversions, and the later changes of
// those as differences. It returns how many different events there are of each type.
func (n *Network) PublishEvents(root string, how Events) (map[rawlog.Type]int, error) {
	byHour := make(map[time.Time][]orderedMap)
	counts := make(map[rawlog.Type]int)
	add := func(t rawlog.Type, hour time.Time, e orderedMap) {
		hour = hour.UTC().Truncate(time.Hour)
		counts[t]++
		byHour[hour] = append(byHour[hour], e)
		if sum := counts[rawlog.Clicks] + counts[rawlog.Impressions] + counts[rawlog.Conversions]; how.Repeat > 0 && sum%how.Repeat == 0 {
			later := hour.Add(time.Hour)
			byHour[later] = append(byHour[later], e)
		}
	}
	for _, f := range n.Reports.happened() {
		columns := append(gen.Header(f.spec.Type, 2022), "tune_event_id")
		spec := f.spec
		spec.Zone = n.cfg.Zone
		for i, record := range f.logs.Records(spec, columns) {
			if f.spec.Type != rawlog.Conversions {
				record[len(record)-1] = fmt.Sprintf("%s-%d-%d", f.spec.Type, f.spec.Hour.Unix(), f.spec.Skip+i)
			}
			add(f.spec.Type, f.spec.Hour, n.eventOf(f.spec.Type, columns, record))
		}
	}
	for _, a := range n.adjustments() {
		add(rawlog.Conversions, a.at, a.event)
	}
	for hour, events := range byHour {
		if err := writeEvents(filepath.Join(root, hour.Format("2006/01/02/15"), fmt.Sprintf("stream-1-%d.json", hour.Unix())), events, how.Form); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// happened lists the files by hour, type and name.
func (r *Reports) happened() []*counted {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := make([]fileKey, 0, len(r.files))
	for key := range r.files {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b fileKey) int {
		return cmp.Or(r.files[a].spec.Hour.Compare(r.files[b].spec.Hour), strings.Compare(string(a.typ), string(b.typ)), strings.Compare(a.name, b.name))
	})
	files := make([]*counted, 0, len(keys))
	for _, key := range keys {
		files = append(files, r.files[key])
	}
	return files
}

// eventKey is the name that an event has for a column of raw logs; "" where it has none.
func eventKey(column string) string {
	switch column {
	case "affiliate_sub1":
		return "aff_sub"
	case "affiliate_source":
		return "source"
	case "advertiser_info":
		return "adv_sub"
	case "tune_event_id":
		return "event_id"
	case "id":
		return "conversion_id"
	case "payout_cents":
		return "payout"
	case "revenue_cents":
		return "revenue"
	case "url":
		return "click_url"
	case "refer", "pixel_refer", "session_ip", "offer_file_size", "access_control_decision", "access_control_reason_code":
		return ""
	}
	column = strings.Replace(column, "affiliate_unique_", "affiliate_unique", 1)
	return strings.Replace(column, "affiliate_sub", "aff_sub", 1)
}

// eventOf is a row of a log as an event. Values that are not there are left out.
func (n *Network) eventOf(t rawlog.Type, columns, record []string) orderedMap {
	e := orderedMap{{"action", strings.TrimSuffix(string(t), "s")}, {"network_id", n.cfg.ID}, {"timezone", n.cfg.Zone.String()}}
	for i, column := range columns {
		key, value := eventKey(column), record[i]
		switch {
		case key == "" || value == "":
		case key == "payout" || key == "revenue":
			e.add(key, number(cents(value)))
		case strings.HasSuffix(column, "_id") && !slices.Contains([]string{"transaction_id", "tune_event_id", "affiliate_click_id", "customer_id", "device_id", "android_id", "user_id", "unknown_id"}, column):
			e.add(key, json.Number(value))
		default:
			e.add(key, value)
		}
	}
	return e
}

// number is an amount as JSON has it: 2.5.
func number(m gen.Money) json.Number {
	return json.Number(strings.TrimSuffix(strings.TrimRight(units(m), "0"), "."))
}

// adjustment is a change of a conversion after it happened.
type adjustment struct {
	at    time.Time
	event orderedMap
}

// adjustments are what the Conversion entity says beyond the logs, as differences.
func (n *Network) adjustments() []adjustment {
	all, at := n.Reports.conversions(time.Unix(0, 0), time.Unix(1<<32-1, 0))
	v := conversionView{zone: n.cfg.Zone, at: at}
	v.kinds = n.applyChanges(&all, at)
	var out []adjustment
	for _, c := range all {
		if c.changed == nil {
			continue
		}
		action, when := "2", c.changed["updated"]
		if c.logged == nil {
			action, when = "create", c.changed["added"]
		}
		day, err := time.ParseInLocation(time.DateTime, fmt.Sprint(when), n.cfg.Zone)
		if err != nil {
			continue // nobody said when
		}
		before := &conversion{logged: c.logged}
		e := orderedMap{{"action", "conversion"}, {"adjust_action", action}, {"adjustment_sequence_id", strconv.FormatInt(day.Unix(), 10)},
			{"adjustment_timestamp", day.Unix()}, {"event_id", v.text(c, "Stat.tune_event_id")}}
		for _, f := range []string{"payout", "revenue"} {
			e.add(f, number(v.amount(c, f)-v.amount(before, f)))
			e.add("current_"+f, number(v.amount(c, f)))
		}
		if v.text(c, "Stat.status") == "rejected" && v.text(before, "Stat.status") != "rejected" {
			e.add("num", -1)
		}
		for key, field := range map[string]string{"transaction_id": "Stat.ad_id", "offer_id": "Stat.offer_id", "affiliate_id": "Stat.affiliate_id", "advertiser_id": "Stat.advertiser_id",
			"datetime": "Stat.datetime", "status": "Stat.status", "currency": "Stat.currency"} {
			if value := v.text(c, field); value != "" {
				e.add(key, value)
			}
		}
		out = append(out, adjustment{day, e})
	}
	return out
}

// writeEvents writes a file whole.
func writeEvents(path string, events []orderedMap, form string) error {
	var text bytes.Buffer
	for part := range slices.Chunk(events, perEnvelope) {
		switch form {
		case "lines":
			for _, e := range part {
				text.Write(append(mustJSON(e), '\n'))
			}
		case "envelopes", "messages":
			line := mustJSON(orderedMap{{"version", "1.0"}, {"created", 1473411600}, {"events", part}})
			if form == "messages" {
				var packed bytes.Buffer
				z := gzip.NewWriter(&packed)
				_, err := z.Write(line)
				if err = errors.Join(err, z.Close()); err != nil {
					return err
				}
				line = []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))
			}
			text.Write(append(line, '\n'))
		default:
			return fmt.Errorf("simnet: no form of events is called %q", form)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o600)
}
