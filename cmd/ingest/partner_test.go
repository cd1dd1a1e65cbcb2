package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/sim/simnet"
)

// signIn lets the network's own key, or another one, sign in from now on.
func (r *reporting) signIn(env ...string) {
	for _, name := range []string{"HASOFFERS_NETWORK_TOKEN", "HASOFFERS_API_KEY", "HASOFFERS_API_KEY_SIDE", "HASOFFERS_CLIENT_ID", "HASOFFERS_CLIENT_SECRET", "HASOFFERS_INTEGRATOR_ID", "HASOFFERS_AUTH_URL"} {
		r.env[name] = ""
	}
	for i := 0; i < len(env); i += 2 {
		r.env[env[i]] = env[i+1]
	}
}

// noSecrets looks for credentials in all files that the commands have written.
func (r *reporting) noSecrets() {
	r.Helper()
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "CANARY") {
			r.Errorf("a secret in %s", path)
		}
		return err
	})
	if err != nil {
		r.Error(err)
	}
}

// A partner's key loads the partner's own report, under a name of its own: in a store that
// has the network's days, too, neither replaces the other or passes for it.
func TestConversionsOfAPartner(t *testing.T) {
	t.Parallel()
	r := newReporting(t)
	day, _ := r.happen(9, 60)
	r.in(exitDone, "conversions", day)
	whole := r.sql("SELECT sum(cityHash64(*)) FROM conversion_report WHERE network = '11111'")
	most := func(column string) (first, second int) {
		t.Helper()
		of := "SELECT " + column + " FROM conversion_report WHERE network = '11111' GROUP BY 1 ORDER BY count() DESC, 1 LIMIT 1 OFFSET "
		return mustInt(t, r.sql(of+"0")), mustInt(t, r.sql(of+"1"))
	}
	affiliate, other := most("affiliate_id")
	advertiser, _ := most("advertiser_id")
	r.network.Access.Key(hasoffers.Affiliate, keyCanary+"1")
	r.network.Access.Key(hasoffers.Advertiser, keyCanary+"2")
	for _, as := range []struct {
		side, key, hidden string
		id                int
	}{{"affiliate", keyCanary + "1", "Stat.revenue", affiliate}, {"advertiser", keyCanary + "2", "Stat.payout", advertiser}} {
		r.network.Reports.As(affiliate, advertiser)
		r.signIn("HASOFFERS_API_KEY", as.key, "HASOFFERS_API_KEY_SIDE", as.side)
		name := "11111." + as.side
		r.in(exitDone, "check")
		r.says("network 11111 answers the key with the " + as.side + "'s report of conversions; in the store it is " + name)
		r.in(exitDone, "conversions", day)
		r.says("network "+name+": report of conversions →", "left out:", as.hidden)
		if n := strings.Count(r.out.String(), "may not ask for a field"); n == 0 || strings.Count(r.out.String(), "field="+as.hidden+" ") != 1 {
			t.Errorf("named %d times:\n%s", n, r.out.String())
		}
		want := r.sql(fmt.Sprintf("SELECT count(), sum(cityHash64(id, offer_id, datetime, status)) FROM conversion_report WHERE network = '11111' AND %s_id = %d", as.side, as.id))
		if got := r.sql("SELECT count(), sum(cityHash64(id, offer_id, datetime, status)) FROM conversion_report WHERE network = '" + name + "'"); got != want || strings.HasPrefix(got, "0") {
			t.Errorf("%s: %s, want %s", as.side, got, want)
		}
		r.in(exitDone, "verify")
		r.says("1 file")
		r.in(exitDone, "run", "-q")
		r.in(exitDone, "status")
		r.says("conversion_report")
		r.in(exitUsage, "backfill", day, "--type", "conversion_report")
		// The network's own targets stay closed, and the key is not shown to them.
		r.network.ForgetCalls()
		r.in(exitFailed, "api", "Report", "getConversions")
		r.in(exitIncomplete, "updates", day)
		if calls := r.network.Calls(); len(calls) > 0 {
			t.Errorf("%v", calls)
		}
		r.in(exitFailed, "conversions", day, "--network", "22222")
	}
	// A second partner's report does not replace the first one's.
	r.network.Reports.As(other, advertiser)
	r.signIn("HASOFFERS_API_KEY", keyCanary+"1", "HASOFFERS_API_KEY_SIDE", "affiliate")
	before := r.sql("SELECT sum(cityHash64(*)) FROM conversion_report")
	r.in(exitIncomplete, "conversions", day)
	r.says(fmt.Sprintf("a row of affiliate \"%d\", and the rows before are those of affiliate %d", other, affiliate))
	if got := r.sql("SELECT sum(cityHash64(*)) FROM conversion_report"); got != before {
		t.Error("rows were replaced")
	}
	// Whose key it is has to be said, a source holds other rows, and a wrong key opens nothing.
	r.signIn("HASOFFERS_API_KEY", keyCanary+"1")
	r.in(exitFailed, "conversions", day)
	r.says("nobody says whose key it is", "HASOFFERS_API_KEY_SIDE")
	r.signIn("HASOFFERS_API_KEY", keyCanary+"1", "HASOFFERS_API_KEY_SIDE", "affiliate", "INGEST_SOURCE", r.dir)
	r.in(exitFailed, "conversions", day)
	r.says("the key shows a part of network 11111")
	r.env["INGEST_SOURCE"] = ""
	r.env["HASOFFERS_API_KEY"] = keyCanary + "3"
	r.in(exitFailed, "check")
	r.in(exitFailed, "conversions", day)
	r.says("API key is not valid")
	// The network's day is as it was, and the network's own sign-in finds nothing new.
	r.signIn("HASOFFERS_NETWORK_TOKEN", tokenCanary)
	r.in(exitDone, "conversions", day)
	r.says("network 11111: report of conversions →", "already loaded 1")
	if got := r.sql("SELECT sum(cityHash64(*)) FROM conversion_report WHERE network = '11111'"); got != whole {
		t.Error("the network's rows have changed")
	}
	r.noSecrets()
}

// An integrator loads what the network granted.
func TestConversionsByAnIntegrator(t *testing.T) {
	t.Parallel()
	r := newReporting(t)
	day, _ := r.happen(9, 40)
	r.in(exitDone, "conversions", day)
	r.network.Access.Integrator("client", clientCanary, "int-1")
	api := r.env["HASOFFERS_API_URL"]
	r.signIn("HASOFFERS_CLIENT_ID", "client", "HASOFFERS_CLIENT_SECRET", clientCanary, "HASOFFERS_INTEGRATOR_ID", "int-1",
		"HASOFFERS_AUTH_URL", strings.TrimSuffix(api, simnet.APIPath)+simnet.AuthorizePath, "INGEST_CONVERSIONS_REPORT", "only")
	r.env["XDG_CACHE_HOME"] = t.TempDir()
	r.in(exitDone, "check")
	r.says("network 11111 answers with its report of conversions")
	r.in(exitDone, "conversions", day)
	r.says("network 11111: report of conversions →", "already loaded 1")
	r.network.Access.RevokeTokens() // one more is signed in for
	r.in(exitDone, "run", "-q")
	r.env["HASOFFERS_INTEGRATOR_ID"] = "int-2"
	r.in(exitFailed, "check")
	r.in(exitFailed, "conversions", day)
	r.says("does not exist within our system")
	r.env["HASOFFERS_INTEGRATOR_ID"] = "int-1"
	r.network.Access.Forbid("Report", true)
	r.in(exitIncomplete, "conversions", day)
	r.says("failed 1")
	if got := r.sql("SELECT count() FROM conversion_report"); got != "40" {
		t.Error(got)
	}
	r.noSecrets()
}
