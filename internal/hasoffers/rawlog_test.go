package hasoffers

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
)

func scripted(t *testing.T, body string) *Client {
	t.Helper()
	return dial(t, Config{Attempts: 1, HTTP: roundTrip(func(*http.Request) (*http.Response, error) { return answer(200, body), nil })})
}

func TestRawLog(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dirs, err := scripted(t, string(read(t, "date_dirs"))).ListDateDirs(ctx, rawlog.Clicks)
	if err != nil || !slices.Equal(dirs, []string{"20160909", "20160908"}) {
		t.Errorf("ListDateDirs: %v, %v", dirs, err)
	}
	files, err := scripted(t, string(read(t, "logs"))).ListLogs(ctx, rawlog.Clicks, "20160909")
	if err != nil || len(files) != 2 || files[0].Name != "20160909/clicks-1473411600-SlY9UO.zip" ||
		!files[0].Start.Equal(time.Date(2016, 9, 9, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("ListLogs: %v, %v", files, err)
	}
	link, err := scripted(t, string(read(t, "link"))).DownloadLink(ctx, rawlog.Clicks, files[0].Name)
	if err != nil || !strings.HasPrefix(link, "https://storage.example/logs/") {
		t.Errorf("DownloadLink: %v, %v", link, err)
	}
	days, err := scripted(t, string(read(t, "expirations"))).LogExpirations(ctx)
	if err != nil || days[rawlog.Clicks] != 180 || days[rawlog.Conversions] != 180 || days[rawlog.Impressions] != 1 {
		t.Errorf("LogExpirations: %v, %v", days, err)
	}
}

// "No files" is what the API said, never what was not understood.
func TestListingsAreStrict(t *testing.T) {
	t.Parallel()
	envelope := func(data string) string {
		return `{"response":{"status":1,"httpStatus":200,"data":` + data + `,"errors":[],"errorMessage":null}}`
	}
	const file = `{"startTimestamp":"1473411600","filename":"f.zip"}`
	for _, tc := range []struct {
		data  string
		files int // -1 for an error
	}{
		{`[]`, 0},
		{`[ ]`, 0},
		{`{"logFiles":[]}`, 0},
		{`{"logFiles":[],"logType":"clicks"}`, 0},
		{`{"logFiles":[` + file + `]}`, 1},
		{`{"logFiles":{"0":` + file + `,"2":` + file + `}}`, 2},
		{`{"logFiles":[{"startTimestamp":1473411600,"filename":"f.zip"}]}`, 1},
		{`null`, -1},
		{`""`, -1},
		{`{}`, -1},
		{`{"logFiles":null}`, -1},
		{`{"logFiles":""}`, -1},
		{`{"logfiles":[]}`, -1},
		{`{"logFiles":[],"logType":"impressions"}`, -1},
		{`{"logFiles":[null]}`, -1},
		{`{"logFiles":[{}]}`, -1},
		{`{"logFiles":["f.zip"]}`, -1},
		{`{"logFiles":[{"filename":"f.zip"}]}`, -1},
		{`{"logFiles":[{"startTimestamp":"soon","filename":"f.zip"}]}`, -1},
		{`{"logFiles":[{"startTimestamp":"99999999999","filename":"f.zip"}]}`, -1},
		{`{"logFiles":[{"startTimestamp":"1473411600","filename":""}]}`, -1},
		{`[` + file + `]`, -1},
	} {
		files, err := scripted(t, envelope(tc.data)).ListLogs(t.Context(), rawlog.Clicks, "20160909")
		if tc.files < 0 {
			var e *APIError
			if !errors.As(err, &e) || e.Kind != Malformed || e.Method != "listLogs" {
				t.Errorf("%s: got %v, %v, want an error", tc.data, files, err)
			}
			continue
		}
		if err != nil || len(files) != tc.files {
			t.Errorf("%s: got %v, %v, want %d files", tc.data, files, err, tc.files)
		}
	}
	for _, data := range []string{`null`, `{}`, `{"dateDirs":null}`, `{"dateDirs":[{"displayName":"x"}]}`} {
		if dirs, err := scripted(t, envelope(data)).ListDateDirs(t.Context(), rawlog.Clicks); err == nil {
			t.Errorf("%s: got %v, want an error", data, dirs)
		}
	}
	for _, data := range []string{`null`, `[]`, `{}`, `{"link":""}`, `{"link":null}`, `{"link":7}`} {
		if link, err := scripted(t, envelope(data)).DownloadLink(t.Context(), rawlog.Clicks, "f.zip"); err == nil {
			t.Errorf("%s: got %v, want an error", data, link)
		}
	}
	for _, data := range []string{`null`, `[]`, `{}`, `{"logExpireInDays":"x"}`} {
		if days, err := scripted(t, envelope(data)).LogExpirations(t.Context()); err == nil {
			t.Errorf("%s: got %v, want an error", data, days)
		}
	}
}
