package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// maxRollUps is what an INSERT may cost the server and the client, of what it costs without
// roll-ups.
const maxRollUps = 1.10

// costing is a way to load that costs more or less than the usual one.
type costing struct {
	what     string
	noRollUp bool
	env      []string
}

// costings are compared by the first, which has everything that is optional off.
func costings() []costing {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	const policy = "ip=truncate, session_ip=truncate, device_id=hash, google_aid=hash, ios_ifa=hash, user_agent=drop, url_params.email=drop"
	return []costing{
		{what: "no roll-ups", noRollUp: true},
		{what: "as it is"},
		{what: "a policy for 6 columns and a parameter of links", env: []string{"INGEST_PRIVACY=" + policy, "INGEST_PRIVACY_KEY=" + hex.EncodeToString(key)}},
	}
}

// costs loads the hours with and without what a user may do without: roll-ups, which the
// server sums for each INSERT, and policies for personal data, which the client applies.
func costs(ctx context.Context, o options, srv *server, ing *ingest, t *report) error {
	if ing.self {
		return nil // which reads no settings
	}
	ds := dataSets()[0]
	if err := ds.make(o.data); err != nil {
		return fmt.Errorf("data set %s: %w", ds.Name, err)
	}
	all := costings()
	samples := make([][]sample, len(all))
	for round := range o.rounds {
		turn := []int{0, 1, 2}
		if round%2 == 1 {
			slices.Reverse(turn) // who comes second finds other caches
		}
		for _, i := range turn {
			s, err := measure(ctx, srv, func() (usage, error) { return srv.costing(ctx, ing, ds, all[i]) })
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].what, err)
			}
			if want := uint64(ds.Files * ds.Rows); s.content.Rows != want {
				return fmt.Errorf("%s: %d rows, want %d", all[i].what, s.content.Rows, want)
			}
			fmt.Fprintf(os.Stderr, "costs %d %s: %.2f s, client %.2f, server %.2f (inserts %.2f) + %.2f\n", round+1, all[i].what,
				s.wall.Seconds(), s.cpu.Seconds(), s.server.Seconds(), s.insert.Seconds(), s.merges.Seconds())
			samples[i] = append(samples[i], s)
		}
	}
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	out.AppendHeader(table.Row{"hours, loaded with", "wall s", "client CPU s", "INSERT CPU s", "server CPU s", "merges CPU s", "CPU ÷ first"})
	first := typical(samples[0])
	for i, c := range all {
		m := typical(samples[i])
		out.AppendRow(table.Row{c.what, seconds(m.wall), seconds(m.cpu), seconds(m.insert), seconds(m.server), seconds(m.merges), ratio(m.total(), first.total())})
	}
	t.notes = append(t.notes, out.Render())
	with := typical(samples[1])
	t.promise("roll-ups: CPU of the INSERTs, client's and server's, of that without", fmt.Sprintf("%.2f (the server's alone %.2f)", quotient(with.inserting(), first.inserting()), quotient(with.insert, first.insert)),
		fmt.Sprintf("≤ %.2f", maxRollUps), quotient(with.inserting(), first.inserting()) <= maxRollUps)
	return nil
}

// inserting is what makes the INSERTs and takes them: the client, and the server's threads.
func (s sample) inserting() time.Duration { return s.cpu + s.insert }

// costing loads the data set in one of the ways, into tables that are empty.
func (s *server) costing(ctx context.Context, ing *ingest, ds *dataSet, c costing) (usage, error) {
	const rollUps = "SELECT arraySort(groupArray(name)) FROM system.projections WHERE database = ? AND table = 'clicks'"
	var names, left []string
	if err := s.st.Conn().QueryRow(ctx, rollUps, s.st.Database()).Scan(&names); err != nil {
		return usage{}, err
	}
	if len(names) == 0 {
		return usage{}, errors.New("clicks has no roll-ups")
	}
	if c.noRollUp {
		for _, name := range names {
			if err := s.st.Conn().Exec(ctx, "ALTER TABLE "+s.st.Holding("clicks")+" DROP PROJECTION "+name); err != nil {
				return usage{}, err
			}
		}
		names = nil
	}
	u, _, err := ing.run(ctx, c.env, "backfill", always, "--type", "clicks", "--source", ds.zips())
	if err == nil {
		err = s.st.Conn().QueryRow(ctx, rollUps, s.st.Database()).Scan(&left)
	}
	if err == nil && !slices.Equal(names, left) {
		err = fmt.Errorf("loaded with the roll-ups %v instead of %v", left, names)
	}
	return u, err
}
