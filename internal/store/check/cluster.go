package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rawlogs/internal/store"
)

// whole looks at what the servers of a cluster are to each other.
type whole struct {
	st      *store.Store
	servers []*store.Server // that work
}

func (w whole) run(ctx context.Context) []Finding {
	return look(ctx, []subject{{"cluster", w.checkServers}, {"replicas", w.checkReplicas}, {"clocks", w.checkClocks}, {"fronts", w.checkFronts}})
}

// checkServers asks each server which servers the cluster has: one that knows others puts
// together other rows.
func (w whole) checkServers(ctx context.Context) ([]Finding, error) {
	want, err := w.st.Home().Topology(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.st.Home().Addr(), err)
	}
	for _, server := range w.servers {
		known, err := server.Topology(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", server.Addr(), err)
		}
		if !slices.EqualFunc(known, want, slices.Equal) { //guard:topology-alike
			return one(Fail, fmt.Sprintf("%s takes %s for the cluster %s, and %s takes %s", server.Addr(), listed(known), w.st.Cluster(), w.st.Home().Addr(), listed(want)),
				"make remote_servers alike in the configuration of all of them")
		}
	}
	return one(OK, fmt.Sprintf("%s has %d shards on %d servers; ledger, leases and names are on %s", w.st.Cluster(), len(want), len(w.servers), w.st.Home().Addr()), "")
}

// working are all servers of a cluster that work.
func working(ctx context.Context, st *store.Store) (all []*store.Server, err error) {
	for _, shard := range st.Shards() {
		of, err := shard.Replicas(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

// listed is the servers of a cluster for people: shards, and their replicas.
func listed(shards [][]string) string {
	var out []string
	for _, replicas := range shards {
		out = append(out, strings.Join(replicas, " | "))
	}
	return strings.Join(out, ", ")
}

// checkClocks compares the servers' clocks. When a row was loaded is the shard's to say,
// all else is the home's.
func (w whole) checkClocks(ctx context.Context) ([]Finding, error) {
	for _, shard := range w.servers {
		before := time.Now()
		home, err := w.st.Home().Now(ctx)
		if err != nil {
			return nil, err
		}
		theirs, err := shard.Now(ctx)
		if err != nil {
			return nil, err
		}
		if diff := theirs.Sub(home); apart(diff, time.Since(before)) {
			return one(Fail, fmt.Sprintf("the clock of %s is %s off that of %s", shard.Addr(), diff.Round(time.Second), w.st.Home().Addr()), "set both by NTP")
		}
	}
	return one(OK, "the servers' clocks agree", "")
}

// apart reports whether two clocks differ by more than matters; to ask for both took a time.
func apart(diff, took time.Duration) bool {
	const most = 5 * time.Second
	return diff.Abs() > most+took //guard:clocks-alike
}

// checkFronts asks each server for the tables that stand for those of all shards, and through
// one of them for what the others have.
func (w whole) checkFronts(ctx context.Context) ([]Finding, error) {
	var out []Finding
	for _, shard := range w.servers {
		what := "fronts on " + shard.Addr()
		strays, err := shard.StrayFronts(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shard.Addr(), err)
		}
		if len(strays) > 0 { //guard:fronts-alike
			out = append(out, Finding{Fail, what, "do not stand for the tables of all shards: " + strings.Join(strays, ", "), "drop those of them that are there, and run `ingest schema apply`"})
			continue
		}
		missing, err := shard.MissingToAsk(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shard.Addr(), err)
		}
		if len(missing) > 0 {
			out = append(out, Finding{Fail, what, "cannot be made anew: the user lacks " + strings.Join(missing, ", "), grant(missing, shard.Asked(), shard.User())})
			continue
		}
		var versions uint64
		if err := shard.Conn().QueryRow(ctx, "SELECT count() FROM "+shard.TableName("ingest_schema")).Scan(&versions); err != nil {
			out = append(out, Finding{Fail, what, "cannot be asked: " + err.Error(), hintOr(err, "each server of the cluster must reach all others, with the user of its remote_servers")})
			continue
		}
		out = append(out, Finding{OK, what, "stand for the tables of all shards", ""})
	}
	return out, nil
}
