package hasoffers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"rawlogs/internal/rawlog"
)

const target = "RawLog"

// LogFile is a file as listLogs names it.
type LogFile struct {
	Name  string    // opaque, unique within its type: 20160909/clicks-1473411600-SlY9UO.zip
	Start time.Time // UTC start of the hour it holds
}

// ListDateDirs lists the date directories of a log type, e.g. 20160909, in the
// order of the answer (newest first). An empty list means that the API said so.
func (c *Client) ListDateDirs(ctx context.Context, t rawlog.Type) ([]string, error) {
	const method = "listDateDirs"
	data, err := c.Call(ctx, target, method, url.Values{"log_type": {string(t)}})
	if err != nil {
		return nil, err
	}
	var dirs []struct{ DirName Text }
	if err := listing(data, t, "dateDirs", &dirs); err != nil {
		return nil, malformed(method, err)
	}
	names := make([]string, len(dirs))
	for i, d := range dirs {
		if d.DirName == "" {
			return nil, malformed(method, fmt.Errorf("date directory %d has no dirName", i+1))
		}
		names[i] = string(d.DirName)
	}
	return names, nil
}

// ListLogs lists the files of a date directory, or of all whose names begin with
// dateDir (201609, 2016), in the order of the answer (newest first). An empty
// list means that the API said so.
func (c *Client) ListLogs(ctx context.Context, t rawlog.Type, dateDir string) ([]LogFile, error) {
	const method = "listLogs"
	data, err := c.Call(ctx, target, method, url.Values{"log_type": {string(t)}, "date_dir": {dateDir}})
	if err != nil {
		return nil, err
	}
	var entries []struct {
		StartTimestamp Int
		Filename       Text
	}
	if err := listing(data, t, "logFiles", &entries); err != nil {
		return nil, malformed(method, err)
	}
	files := make([]LogFile, len(entries))
	for i, e := range entries {
		switch {
		case e.Filename == "":
			return nil, malformed(method, fmt.Errorf("file %d of %s has no filename", i+1, printable(dateDir)))
		case e.StartTimestamp <= 0 || e.StartTimestamp > 1<<32-1:
			return nil, malformed(method, fmt.Errorf("%s: startTimestamp %d is not a second between 1970 and 2106",
				printable(string(e.Filename)), e.StartTimestamp))
		}
		files[i] = LogFile{Name: string(e.Filename), Start: time.Unix(int64(e.StartTimestamp), 0).UTC()}
	}
	return files, nil
}

// DownloadLink returns a presigned link to a file, valid for some hours. The
// link is a credential: ask for it just before the download, and print it nowhere.
func (c *Client) DownloadLink(ctx context.Context, t rawlog.Type, name string) (string, error) {
	const method = "getDownloadLink"
	data, err := c.Call(ctx, target, method, url.Values{"log_type": {string(t)}, "log_filename": {name}})
	if err != nil {
		return "", err
	}
	var answer struct{ Link string }
	if shape(data) != "an object" || json.Unmarshal(data, &answer) != nil || answer.Link == "" {
		return "", malformed(method, errors.New("the answer holds no link"))
	}
	return answer.Link, nil
}

// LogExpirations tells for how many days the files of each type are kept. Types
// that the answer does not name are missing from the map.
func (c *Client) LogExpirations(ctx context.Context) (map[rawlog.Type]int, error) {
	const method = "getLogExpirations"
	data, err := c.Call(ctx, target, method, nil)
	if err != nil {
		return nil, err
	}
	var answer struct{ LogExpireInDays *Map[Int] }
	if err := json.Unmarshal(data, &answer); err != nil || answer.LogExpireInDays == nil {
		return nil, malformed(method, fmt.Errorf("the answer holds no logExpireInDays"))
	}
	days := make(map[rawlog.Type]int)
	for name, n := range *answer.LogExpireInDays {
		if t, err := rawlog.ParseType(name); err == nil && n > 0 {
			days[t] = int(n)
		}
	}
	return days, nil
}

// listing decodes the list member of a listing's data into list. Only two
// things mean "no files": data is [] altogether, or its list is empty. A list
// that is missing or null is an answer that was not understood.
func listing[T any](data json.RawMessage, t rawlog.Type, member string, list *[]T) error {
	if isEmptyArray(data) {
		return nil
	}
	if shape(data) != "an object" {
		return fmt.Errorf("data is %s", shape(data))
	}
	var raw json.RawMessage
	for name, value := range members(data) {
		switch name {
		case member:
			raw = value
		case "logType":
			var got Text
			if got.UnmarshalJSON(value) == nil && got != "" && string(got) != string(t) {
				return fmt.Errorf("asked for %s, the answer is about %s", t, printable(string(got)))
			}
		}
	}
	if s := shape(raw); s != "an array" && s != "an object" { //guard:listing-shape
		return fmt.Errorf("%s is %s", member, s)
	}
	var l List[T]
	if err := json.Unmarshal(raw, &l); err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	*list = l
	return nil
}

func malformed(method string, err error) error {
	return &APIError{Target: target, Method: method, Kind: Malformed, Err: err}
}
