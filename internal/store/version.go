package store

import (
	"context"
	"fmt"

	"rawlogs/schema"
)

// schemaTable holds the versions that the store has had.
const schemaTable = "ingest_schema"

// NewerError says that a later release of ingest made the store what it is: this one
// does not know what its columns mean, and changes nothing.
type NewerError struct{ Store, Known int }

// Error names both versions.
func (e *NewerError) Error() string {
	return fmt.Sprintf("a newer ingest brought the store to schema %d; this one knows schema %d and leaves it alone", e.Store, e.Known)
}

// Hint says what to do.
func (e *NewerError) Hint() string { return "install the newer release here, too" }

// OlderError says that an earlier release made the store, whose tables lack what the
// command asks for.
type OlderError struct{ Store, Known int }

// Error names both versions.
func (e *OlderError) Error() string {
	return fmt.Sprintf("an earlier ingest made the store: it has schema %d, and this one reads schema %d", e.Store, e.Known)
}

// Hint says what to do.
func (e *OlderError) Hint() string {
	return "`ingest schema apply` brings it up to date, and so does the next load"
}

// SchemaVersion is the version of the store's schema, 0 where it has none of ingest's
// tables. Stores made before versions were kept count as 1.
func (s *Server) SchemaVersion(ctx context.Context) (int, error) {
	have, err := s.objects(ctx)
	if err != nil {
		return 0, err
	}
	return s.schemaVersion(ctx, have)
}

func (s *Server) schemaVersion(ctx context.Context, have map[string]object) (int, error) {
	if have["ingest_files"].engine == "" {
		return 0, nil
	}
	if have[schemaTable].engine == "" {
		return 1, nil
	}
	var version uint32
	if err := s.Conn().QueryRow(ctx, "SELECT max(version) FROM "+s.Holding(schemaTable)).Scan(&version); err != nil {
		return 0, fmt.Errorf("reading the version of the schema: %w", err)
	}
	return max(1, int(version)), nil
}

// Current returns a *NewerError or an *OlderError where the store's schema is not this
// release's; a store without tables is neither.
func (s *Server) Current(ctx context.Context) error {
	version, err := s.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case version > schema.Version:
		return &NewerError{version, schema.Version}
	case version > 0 && version < schema.Version: //guard:older-store-told
		return &OlderError{version, schema.Version}
	}
	return nil
}

// stamp writes down that the store has this release's schema.
func (s *Server) stamp(ctx context.Context, did []string) error {
	return s.Write(ctx, Op{Kind: "schema", Detail: fmt.Sprint("version ", schema.Version)}, func(ctx context.Context) error {
		return s.Conn().Exec(s.InsertContext(ctx), "INSERT INTO "+s.Holding(schemaTable)+" (version, did) SELECT ?, ?", schema.Version, did)
	})
}
