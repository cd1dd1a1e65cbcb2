package check

import (
	"context"
	"fmt"
	"strings"

	"rawlogs/internal/store"
)

// checkReplicas looks at each shard's replicas: whether all are there, replicate the same
// tables, and keep up.
func (w whole) checkReplicas(ctx context.Context) ([]Finding, error) {
	if !w.st.Replicated() {
		return nil, nil
	}
	out, err := w.checkInternalReplication(ctx)
	if err != nil {
		return nil, err
	}
	for _, server := range w.servers {
		found, err := replica{server}.look(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", server.Addr(), err)
		}
		out = append(out, found...)
	}
	return out, nil
}

type replica struct{ *store.Server }

// lag is when a replica that is behind is told of.
const lag = 60 // seconds

func (r replica) look(ctx context.Context) ([]Finding, error) {
	what := "replica " + r.Addr()
	tables, err := r.Replicating(ctx)
	if err != nil {
		return nil, err
	}
	var out []Finding
	add := func(level Level, tables []string, detail, hint string) {
		if len(tables) > 0 {
			out = append(out, Finding{level, what, detail + ": " + strings.Join(tables, ", "), hint})
		}
	}
	var readOnly, unknown, away, behind []string
	for _, t := range tables {
		switch {
		case t.ReadOnly:
			readOnly = append(readOnly, t.Name)
		case t.Total != r.OfShard(): //guard:replicas-complete
			unknown = append(unknown, fmt.Sprintf("%s (%d)", t.Name, t.Total))
		case t.Active < t.Total:
			away = append(away, t.Name)
		case t.Delay > lag:
			behind = append(behind, fmt.Sprintf("%s (%d s)", t.Name, t.Delay))
		}
	}
	add(Fail, readOnly, "takes no rows", "it has lost its Keeper, or their data in it: see zookeeper_exception in system.replicas")
	add(Fail, unknown, fmt.Sprintf("the shard has %d replicas in the cluster, and not so many of", r.OfShard()),
		"`ingest schema apply` makes the tables that are missing; if that changes nothing, their paths in the Keeper differ (zookeeper_path in system.replicas), or one was dropped without SYSTEM DROP REPLICA")
	add(Warn, away, "not all replicas are active of", "start those that are away: they fetch what they lack by themselves")
	add(Warn, behind, "is behind with", "see system.replication_queue there")
	if len(out) == 0 {
		out = append(out, Finding{OK, what, fmt.Sprintf("replicates %d tables", len(tables)), ""})
	}
	return out, nil
}

// checkInternalReplication looks at what only others' INSERTs depend on.
func (w whole) checkInternalReplication(ctx context.Context) ([]Finding, error) {
	twice, err := w.st.Home().WritesEachReplica(ctx)
	if err != nil || !twice { //guard:internal-replication
		return nil, err
	}
	return one(Warn, "internal_replication is not set for the shards of "+w.st.Cluster(), "set it in remote_servers: INSERTs of others through a Distributed table would be there once for each replica. ingest's own are not")
}
