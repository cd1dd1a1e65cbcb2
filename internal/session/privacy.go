package session

import (
	"context"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/status"
	"rawlogs/internal/store"
)

// checkPrivacy holds the policy for personal data against the tables, and against those under
// which files were loaded.
func (s *Session) checkPrivacy(ctx context.Context, st *store.Store) []Finding {
	const what = "privacy"
	policy := s.Config.Privacy
	if err := s.checkPolicy(ctx, st); err != nil {
		return failure(what, err)
	}
	loaded, err := status.OfPrivacy(ctx, checkpoint.Open(st, s.Config.Network), checkpoint.Filter{}, policy.String())
	if err != nil {
		return failure(what, err)
	}
	var found []Finding
	if policy.On() {
		found = append(found, Finding{Level: "ok", What: what, Detail: policy.String()})
	}
	for _, l := range loaded {
		if text := l.Other(); text != "" {
			found = append(found, Finding{Level: "warn", What: what, Detail: text})
		}
	}
	return append(found, s.checkForgotten(ctx, st)...)
}

// checkPolicy returns an error where the policy names what no table has.
func (s *Session) checkPolicy(ctx context.Context, st *store.Store) error {
	if st == nil || !s.Config.Privacy.On() {
		return nil
	}
	var names []string
	for _, t := range rawlog.All() {
		names = append(names, string(t))
	}
	var tables map[string][]store.Column
	err := s.again(ctx, func() (err error) {
		tables, err = st.ColumnsOf(ctx, names...)
		return err
	})
	if err != nil {
		return err
	}
	return s.Config.Privacy.Check(tables)
}
