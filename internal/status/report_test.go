package status_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/status"
	"rawlogs/internal/testkit"
)

// strict is a source that may not be asked for the report of conversions.
type strict struct {
	dirs.Source
	testing.TB
}

func (s strict) Name() string { return s.Source.Name() }

func (s strict) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	if slices.Contains(types, rawlog.ConversionReport) {
		s.Error("it was asked for days of the report")
	}
	return s.Source.Walk(ctx, types, periods, yield)
}

// What the source lists says nothing of the report of conversions.
func TestReportIsNotListed(t *testing.T) {
	t.Parallel()
	st := testkit.Database(t)
	if err := st.Conn().Exec(t.Context(), `INSERT INTO ingest_files (network, log_type, file, hour, state, rows, version)
		SELECT 'acme', 'conversion_report', toString(number), '2016-09-09 00:00:00', if(number = 1, 'planned', 'loaded'), 5, 1 FROM numbers(2)`); err != nil {
		t.Fatal(err)
	}
	report, err := status.Of(t.Context(), st, status.Question{
		Network: "acme", Types: rawlog.All(), Now: time.Now(), Log: slog.New(slog.DiscardHandler),
		Source: func() (dirs.Source, error) { return strict{folder.New(t.TempDir(), nil), t}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Days) != 1 || report.Days[0].Missing != nil || report.Days[0].Rows != 10 || len(report.Lost) > 0 || len(report.Unfilled) > 0 {
		t.Errorf("%+v", report)
	}
}

// Files of months that are over are neither missing nor lost, nor about to be.
func TestExpiredIsNotMissing(t *testing.T) {
	t.Parallel()
	st, root := testkit.Database(t), t.TempDir()
	for i, name := range []string{"clicks-1473411600-SlY9UO.zip", "clicks-1473415200-SlY9UO.zip", "clicks-1475704800-SlY9UO.zip"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			continue
		}
		for _, sql := range []string{
			"INSERT INTO ingest_files (network, log_type, file, hour, state, version) VALUES ('acme', 'clicks', '20160909/" + name + "', toDateTime(1473411600), 'expired', 1), ('acme', 'clicks', 'gone.zip', toDateTime(1473411600), 'planned', 1)",
			"INSERT INTO ingest_ttl (network, log_type, months, version) VALUES ('acme', 'clicks', 5, 1), ('acme', 'clicks', 1, 2)",
		} {
			if err := st.Conn().Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	report, err := status.Of(t.Context(), st, status.Question{
		Network: "acme", Types: rawlog.Types(), Now: time.Date(2016, 11, 3, 0, 0, 0, 0, time.UTC), Log: slog.New(slog.DiscardHandler),
		Source: func() (dirs.Source, error) { return folder.New(root, nil), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var missing, expired int64
	for _, d := range report.Days {
		missing, expired = missing+*d.Missing, expired+d.Expired
	}
	if missing != 1 || expired != 1 || len(report.Lost)+len(report.Warnings)+len(report.Failures) > 0 {
		t.Errorf("%d missing, %d expired: %+v", missing, expired, report)
	}
}
