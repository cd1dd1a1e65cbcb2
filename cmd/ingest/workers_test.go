package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// Four workers at once keep to the limit of the one account that they call as: none is refused,
// and each file is loaded by one of them.
func TestWorkersShareTheLimit(t *testing.T) {
	t.Parallel()
	net := testkit.Simnet(t, simnet.Config{Seed: 6, Clicks: 10, Limit: 18, Window: 2 * time.Second})
	if _, err := net.Live(t.Context(), simnet.Scenario{Start: day, Days: 1, Plain: true, Types: []rawlog.Type{rawlog.Clicks}}); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, append(net.Env(), "HASOFFERS_RATE_LIMIT=18/2s")...)
	p.hold()
	p.run(exitDone, "schema", "apply")
	var waits []func()
	for i := 1; i <= 4; i++ {
		cmd, stdout, stderr := p.command("backfill", "20160909", "--type", "clicks", "--worker", fmt.Sprintf("%d/4", i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waits = append(waits, func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("worker %d: %v\n%s%s", i, err, stdout, stderr)
			}
		})
	}
	for _, wait := range waits {
		wait()
	}
	p.holds(net.Truth())
	if u := net.Usage(); u.Refused != 0 {
		t.Errorf("the network refused %d calls: %+v", u.Refused, u)
	}
	if calls := len(net.Calls()); calls <= 18 {
		t.Errorf("%d calls do not come up against the limit", calls)
	}
	_, told := p.run(exitFailed, "backfill", "20160909", "--worker", "1/19")
	if !strings.Contains(told, "the network allows 18 calls in 2s (rate_limit), fewer than there are workers") {
		t.Errorf("19 workers are told\n%s", told)
	}
}
