package config

import (
	"testing"
	"time"
)

// TestCSV: how quotes are escaped, for all files, by period, and for one network.
func TestCSV(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, yaml, env string
		in2017, in2018  bool
		err             string
	}{
		{name: "default"},
		{name: "one", yaml: "csv: {escape: backslash}", in2017: true, in2018: true},
		{name: "a list", yaml: "csv: [{until: 2018, escape: backslash}, {escape: quote}]", in2017: true},
		{name: "text", env: "quote until 2018, backslash", in2018: true},
		{name: "of a network", yaml: "networks: [{id: a, csv: {escape: backslash}}]", in2017: true, in2018: true},
		{name: "a list of a network", yaml: "networks: [{id: a, csv: [{until: 2018-01-01, escape: quote}, {escape: backslash}]}]", in2018: true},
		{name: "nothing", yaml: "csv:"},
		{name: "another escape", yaml: "csv: {escape: slash}", err: `escape "slash": want backslash, or quote`},
		{name: "a text", yaml: "csv: backslash", err: "want {escape: backslash}"},
		{name: "an unknown member", yaml: "csv: {escape: quote, delimiter: ;}", err: `ingest.yaml:1: unknown "delimiter" in csv`},
		{name: "without an end", env: "backslash, quote", err: "backslash is followed by another"},
		{name: "nothing after the end", env: "backslash until 2018", err: "say how quotes are escaped after that"},
		{name: "out of order", env: "backslash until 2018, quote until 2017, quote", err: "quote ends before the one ahead of it"},
		{name: "no date", env: "backslash until then, quote", err: "backslash: until: period"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := readOne(t, tc.yaml, "INGEST_CSV", tc.env, tc.err)
			if cfg == nil {
				return
			}
			end := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
			if a, b := cfg.Escapes.At(end.Add(-time.Hour)), cfg.Escapes.At(end); a != tc.in2017 || b != tc.in2018 {
				t.Errorf("before 2018 %v, then %v", a, b)
			}
		})
	}
}
