package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rawlogs/schema"
)

// quote makes an identifier of any text.
func quote(name string) string { return schema.Identifier(name) }

// QueryPrefix begins the query ids of a run's statements, by which a later run
// finds what a dead one still has running.
func QueryPrefix(run string) string { return "ingest-" + strings.ToLower(run) + "-" }

// Now is the server's clock.
func (s *Server) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := s.Conn().QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("asking the store's clock: %w", err)
	}
	return now.UTC(), nil
}
