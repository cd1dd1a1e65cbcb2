package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a partner's key sees has a name of its own in the store, whichever way the key is
// given, and also where only the store is looked at.
func TestPartnersName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"key", "token"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("canary-"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := `networks:
  - {id: acme, token_file: token}
  - {id: acme, api_key_file: key, api_key_side: Affiliate}
  - {id: acme, api_key_env: ADV_KEY, api_key_side: advertiser}
  - {id: beta, token_file: token, conversions_report: "true"}
`
	for _, tc := range []struct {
		yaml  string
		env   map[string]string
		names string // in the store, the API's id behind it, and what a run loads
		err   string
	}{
		{env: map[string]string{"HASOFFERS_API_KEY": "k", "HASOFFERS_API_KEY_SIDE": "affiliate"}, names: "acme.affiliate acme only"},
		{env: map[string]string{"HASOFFERS_API_KEY": "k", "HASOFFERS_API_KEY_SIDE": "ADVERTISER", "INGEST_CONVERSIONS_REPORT": "false"}, names: "acme.advertiser acme logs"},
		{env: map[string]string{"HASOFFERS_API_KEY": "k", "HASOFFERS_API_KEY_SIDE": "affiliate", "HASOFFERS_NETWORK_ID": "acme.affiliate"}, names: "acme.affiliate acme only"},
		{env: map[string]string{"HASOFFERS_API_KEY": "k"}, names: "acme acme logs"},
		{env: map[string]string{"HASOFFERS_NETWORK_TOKEN": "t", "HASOFFERS_API_KEY_SIDE": "affiliate"}, names: "acme acme logs"},
		{env: map[string]string{"HASOFFERS_API_KEY": "k", "HASOFFERS_API_KEY_SIDE": "affiliate", "INGEST_SOURCE": dir}, names: "acme acme logs"},
		{env: map[string]string{"HASOFFERS_API_KEY": "k", "HASOFFERS_API_KEY_SIDE": "affiliate", "HASOFFERS_NETWORK_ID": strings.Repeat("x", 60)}, err: "HASOFFERS_NETWORK_ID: "},
		{yaml: list, env: map[string]string{"ADV_KEY": "k", "HASOFFERS_NETWORK_ID": ""}, names: "acme acme logs, acme.affiliate acme only, acme.advertiser acme only, beta beta both"},
		{yaml: list, env: map[string]string{"ADV_KEY": "k", "HASOFFERS_NETWORK_ID": "acme.advertiser,ACME"}, names: "acme.advertiser acme only, acme acme logs"},
		{yaml: list, env: map[string]string{"HASOFFERS_NETWORK_ID": "gamma"}, err: "want acme, acme.affiliate, acme.advertiser, beta"},
		{yaml: list + "  - {id: acme, api_key_file: key, api_key_side: affiliate}\n", env: map[string]string{"HASOFFERS_NETWORK_ID": ""}, err: "network 5: want an id of its own"},
		{yaml: "networks:\n  - {id: acme, api_key_file: key, api_key_side: affiliate}\n", names: "acme.affiliate acme only"},
	} {
		env := map[string]string{"HASOFFERS_NETWORK_ID": "acme"}
		for k, v := range tc.env {
			env[k] = v
		}
		if tc.yaml != "" {
			env["INGEST_CONFIG"] = filepath.Join(dir, "ingest.yaml")
			if err := os.WriteFile(env["INGEST_CONFIG"], []byte(tc.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		names := func(storeOnly bool) (out []string, err error) {
			l, err := Read(given(env))
			if err != nil {
				return nil, err
			}
			all, err := l.All(quiet)
			if storeOnly {
				all, err = l.StoreAll(quiet)
			}
			for _, c := range all {
				loads := "logs"
				switch {
				case c.ReportOnly:
					loads = "only"
				case c.ConversionsReport:
					loads = "both"
				}
				out = append(out, c.Network+" "+c.NetworkID+" "+loads)
			}
			return out, err
		}
		got, err := names(false)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v: %v", tc.env, err)
			}
			continue
		}
		if err != nil || strings.Join(got, ", ") != tc.names {
			t.Errorf("%v: %q, want %q; %v", tc.env, got, tc.names, err)
		}
		if same, err := names(true); err != nil || !slices.Equal(same, got) {
			t.Errorf("%v: by the store alone %q; %v", tc.env, same, err)
		}
	}
}
