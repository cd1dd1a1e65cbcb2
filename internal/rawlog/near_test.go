package rawlog

import (
	"errors"
	"testing"
	"time"
)

func TestNearNames(t *testing.T) {
	t.Parallel()
	hour := time.Unix(1473411600, 0).UTC()
	for path, want := range map[string]string{
		// Packed in another way, or half copied.
		"20160909/clicks-1473411600-SlY9UO.csv.bz2": "20160909/clicks-1473411600-SlY9UO.zip",
		"20160909/clicks-1473411600-SlY9UO.7z":      "20160909/clicks-1473411600-SlY9UO.zip",
		"20160909/clicks-1473411600-SlY9UO.tar.gz2": "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600-SlY9UO.zip.part":         "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600-SlY9UO.zip.filepart":     "20160909/clicks-1473411600-SlY9UO.zip",
		"conversions-1473411600-SlY9UO.parquet":     "20160909/conversions-1473411600-SlY9UO.zip",
		"impressions-1473411600-SlY9UO":             "20160909/impressions-1473411600-SlY9UO.zip",
		"clicks-1473411600-SlY9UO.txt":              "20160909/clicks-1473411600-SlY9UO.zip",
		// In another spelling.
		"Clicks-1473411600-SlY9UO.zip":             "20160909/clicks-1473411600-SlY9UO.zip",
		"click_1473411600_SlY9UO.csv":              "20160909/clicks-1473411600-SlY9UO.zip",
		"Copy of clicks-1473411600-SlY9UO.zip":     "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600000-SlY9UO.zip":          "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600.csv.gz":                 "20160909/clicks-1473411600.zip",
		"acme-conversion-1473411600-SlY9UO.csv.gz": "20160909/conversions-1473411600-SlY9UO.zip",
		// Unpacked into a folder.
		"20160909/clicks-1473411600-SlY9UO.zip/x.csv": "20160909/clicks-1473411600-SlY9UO.zip",
		"clicks-1473411600-SlY9UO/clicks.csv":         "20160909/clicks-1473411600-SlY9UO.zip",
	} {
		f, _, err := new(Names).File(path)
		if !errors.Is(err, ErrNear) || f.Name != want || !f.Hour.Equal(hour) || f.Path != path {
			t.Errorf("%s: %q for %v, %v; want %s", path, f.Name, f.Hour, err, want)
		}
	}
	for _, path := range []string{
		"README.txt", "clicks.csv", "report-20160909.csv.bz2", "clicks-2016-09-09.7z",
		"20160909/clicks-1473411600-SlY9UO.zip.md5", "20160909/clicks-1473411600-SlY9UO.zip.sha256", "clicks-1473411600-SlY9UO.done",
		".clicks-1473411600-SlY9UO.zip.Xa8d2f", "20160909/._clicks-1473411600-SlY9UO.zip.bz2", "__MACOSX/clicks-1473411600-SlY9UO.7z",
		"clicks-1473411600-SlY9UO.zip/notes.txt", "superclicks-1473411600-SlY9UO.7z",
	} {
		if f, _, err := new(Names).File(path); err == nil || errors.Is(err, ErrNear) {
			t.Errorf("%s: %+v, %v; want a name that does not look like a raw log", path, f, err)
		}
	}
	if f, _, err := new(Names).File("20160909/clicks-1473411600-SlY9UO.zip"); err != nil || f.Type != Clicks {
		t.Errorf("a raw log: %+v, %v", f, err)
	}
}

// The same for names that a pattern describes.
func TestNearPatterns(t *testing.T) {
	t.Parallel()
	names, err := ParseNames(`(?P<type>clicks|conversions)_(?P<day>\d{4}-\d\d-\d\d)`)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"clicks_2016-09-09.csv.bz2":  "20160909/clicks_2016-09-09",
		"x/clicks_2016-09-09.7z":     "20160909/clicks_2016-09-09",
		"clicks_2016-09-09.zip.part": "20160909/clicks_2016-09-09",
	} {
		f, by, err := names.File(path)
		if !errors.Is(err, ErrNear) || f.Name != want || by != 0 {
			t.Errorf("%s: %q by %d, %v; want %s", path, f.Name, by, err, want)
		}
	}
	for _, path := range []string{"clicks_2016-09-09.zip.md5", "clicks_today.bz2", ".clicks_2016-09-09.csv.bz2"} {
		if f, _, err := names.File(path); err == nil || errors.Is(err, ErrNear) {
			t.Errorf("%s: %+v, %v", path, f, err)
		}
	}
}
