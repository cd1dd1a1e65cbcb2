package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"rawlogs/internal/ended"
)

// killWait bounds the wait for queries to end. The server notices a kill at its
// next block, or when it has waited for the client's next one for as long as
// insertSetting allows; twice that is enough where it notices at all.
const killWait = 90 * time.Second

// StillRunningError reports a query that was ended and goes on, so that its rows
// may still land.
type StillRunningError struct {
	Query  string
	Client string // host that sent it
	For    time.Duration
	N      uint64 // with others
}

// Error says whose query it is, why it does not end and what to do.
func (e *StillRunningError) Error() string {
	return fmt.Sprintf("query %s from %s has run for %s and does not end although it was killed (%d in all): "+
		"the server waits for a client that is stopped or cut off; end that process (it is an earlier ingest), or run again when the server has given up (its receive_timeout)",
		e.Query, e.Client, e.For.Round(time.Second), e.N)
}

// KillQueries ends every query of this user whose id begins with prefix and
// returns when none is left on any replica: until then an INSERT whose client is dead may
// still land.
func (s *Server) KillQueries(ctx context.Context, prefix string) error {
	return s.onEach(ctx, func(ctx context.Context, r *Server) error { return r.killQueries(ctx, prefix) }) //guard:killed-on-replicas
}

// killQueries does not wait within the statement (SYNC), as the server does
// not look at a kill while it waits for the client.
func (s *Server) killQueries(ctx context.Context, prefix string) error {
	if prefix == "" {
		return errors.New("ending queries: no prefix of their ids")
	}
	begin, killed := time.Now(), time.Time{}
	for pause := 50 * time.Millisecond; ; pause = min(pause*3/2, time.Second) {
		left, err := s.running(ctx, prefix)
		if err != nil {
			return fmt.Errorf("looking for queries %s*: %w", prefix, err)
		}
		if left.N == 0 { //guard:dead-insert-ended
			return nil
		}
		if time.Since(begin) > cmp.Or(s.cfg.KillWait, killWait) { //guard:kill-bounded
			return left
		}
		if time.Since(killed) >= time.Second {
			killed = time.Now()
			err = s.Write(ctx, Op{Kind: "kill", Detail: prefix}, func(ctx context.Context) error {
				return s.Conn().Exec(ctx, "KILL QUERY WHERE startsWith(query_id, ?) ASYNC", prefix)
			})
			if err != nil {
				return fmt.Errorf("ending queries %s*: %w", prefix, err)
			}
		}
		if ended.Wait(ctx, pause) != nil {
			return fmt.Errorf("waiting for the end of queries %s*: %w", prefix, context.Cause(ctx))
		}
	}
}

// running describes the longest of the queries whose ids begin with prefix.
func (s *Server) running(ctx context.Context, prefix string) (*StillRunningError, error) {
	var e StillRunningError
	var elapsed float64
	err := s.Conn().QueryRow(ctx, `
		SELECT count(), argMax(query_id, elapsed), argMax(if(client_hostname != '', client_hostname, toString(address)), elapsed), max(elapsed)
		FROM system.processes WHERE startsWith(query_id, ?)`, prefix).Scan(&e.N, &e.Query, &e.Client, &elapsed)
	e.For = time.Duration(elapsed * float64(time.Second))
	return &e, err
}
