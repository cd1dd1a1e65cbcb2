package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// options are the flags of simnet.
type options struct {
	network, addr, zone         string
	start, newHeader            string
	conversions                 string
	days, rows                  int
	seed                        uint64
	plain                       bool
	lateAfter, linkValid        time.Duration
	data, readyFile, envFile    string
	events                      string
	s3Endpoint, bucket, gateway string
	decisions, turnedAway       []string
	realConversions             bool
	hijackers, flooders         int
}

func (o *options) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.network, "network-id", "11111", "the network's `id`")
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "`host:port` of the API; port 0 is any free one")
	f.StringVar(&o.start, "start", "", "first `day` of logs, as 20160909 (default: so that the last is yesterday)")
	f.IntVar(&o.days, "days", 3, "days of logs")
	f.IntVar(&o.rows, "rows-per-hour", 1500, "mean clicks in an hour; impressions are twice as many")
	f.Uint64Var(&o.seed, "seed", 1, "seed: the same one makes the same logs")
	f.StringVar(&o.newHeader, "new-header", "", "`day` from which logs have the header of 2022 (default: halfway)")
	f.StringVar(&o.conversions, "conversions", "", "header of conversions: "+strings.Join(gen.Variants(), ", ")+" (default: as the others')")
	f.StringSliceVar(&o.decisions, "decisions", nil, "`words` of access_control_decision, the most frequent first (default allow,deny)")
	f.StringSliceVar(&o.turnedAway, "turned-away", nil, "`words` of those whose rows the reports do not count")
	f.BoolVar(&o.realConversions, "real-conversions", false, "conversions as late as real ones (days, where a share of the sale is paid), repeated and rejected (code 12), with the vendor's status codes")
	f.IntVar(&o.hijackers, "hijackers", 0, "`number` of affiliates whose clicks are made seconds before the conversion")
	f.IntVar(&o.flooders, "flooders", 0, "`number` of affiliates who send clicks from a few addresses and devices")
	f.StringVar(&o.zone, "zone", "UTC", "IANA `zone` of the rows' datetime")
	f.BoolVar(&o.plain, "plain", false, "no empty hours, broken lines, unknown column or late file")
	f.DurationVar(&o.lateAfter, "late-after", 0, "publish the late file after that time (default: when told by POST /control/release)")
	f.DurationVar(&o.linkValid, "link-valid", 8*time.Hour, "how long a download link works")
	f.StringVar(&o.data, "data", "", "`folder` of the storage, which stays (default: a temporary one)")
	f.StringVar(&o.events, "events", "", "`folder` to write the same as events of the Firehose to, for --source firehose:FOLDER")
	f.StringVar(&o.readyFile, "ready-file", "", "`file` to write, as JSON, when all is there")
	f.StringVar(&o.envFile, "env-file", "", "`file` to write, for this user's eyes only, with the exports that ingest needs")
	f.StringVar(&o.s3Endpoint, "s3-endpoint", "", "`URL` of an S3 server to use, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (default: start one)")
	f.StringVar(&o.bucket, "bucket", "ho-adserverlogs-sim", "`bucket` for the files")
	f.StringVar(&o.gateway, "versitygw", "", "`path` of versitygw (default: beside simnet, else on PATH)")
}

// maxCheats is how many affiliates may cheat, so that most are honest.
const maxCheats = 50

// span reads the days that the flags name.
func (o *options) span(now time.Time) (start, newHeader time.Time, err error) {
	if o.days < 1 || o.days > 3660 {
		return start, newHeader, usageError{fmt.Errorf("--days %d: want 1 to 3660", o.days)}
	}
	if o.rows < 1 {
		return start, newHeader, usageError{fmt.Errorf("--rows-per-hour %d: want 1 or more", o.rows)}
	}
	if o.hijackers < 0 || o.flooders < 0 || o.hijackers+o.flooders > maxCheats {
		return start, newHeader, usageError{fmt.Errorf("--hijackers %d --flooders %d: want 0 to %d together", o.hijackers, o.flooders, maxCheats)}
	}
	if o.conversions != "" && gen.ConversionHeader(o.conversions) == nil {
		return start, newHeader, usageError{fmt.Errorf("--conversions %q: want one of %s", o.conversions, strings.Join(gen.Variants(), ", "))}
	}
	start = now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -o.days)
	if o.start != "" {
		if start, err = time.Parse(rawlog.DayLayout, o.start); err != nil {
			return start, newHeader, usageError{fmt.Errorf("--start %q: want a day as 20160909", o.start)}
		}
	}
	if o.newHeader != "" {
		if newHeader, err = time.Parse(rawlog.DayLayout, o.newHeader); err != nil {
			return start, newHeader, usageError{fmt.Errorf("--new-header %q: want a day as 20160909", o.newHeader)}
		}
	}
	return start, newHeader, nil
}

func (o *options) location() (*time.Location, error) {
	zone, err := time.LoadLocation(o.zone)
	if err != nil || o.zone == "" || o.zone == "Local" {
		return nil, usageError{fmt.Errorf("--zone %q: want an IANA name such as Europe/Prague", o.zone)}
	}
	return zone, nil
}

// gatewayPath finds versitygw.
func (o *options) gatewayPath() (string, error) {
	if o.gateway != "" {
		return o.gateway, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "versitygw")
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	path, err := exec.LookPath("versitygw")
	if err != nil {
		return "", errors.New("no versitygw beside simnet or on PATH: make bin/versitygw, or name one with --versitygw or --s3-endpoint")
	}
	return path, nil
}

// reachable is the address under which this machine reaches a listener.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
}
