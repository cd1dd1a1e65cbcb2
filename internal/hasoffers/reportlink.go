package hasoffers

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

// ReportLink returns a link to what a method of Report answers for the days from one to
// another, both included, as one CSV; args are the method's own parameters: fields[], sort[Stat.id]. Like a
// DownloadLink it is a credential.
func (c *Client) ReportLink(ctx context.Context, report string, args url.Values, from, to time.Time) (string, error) {
	const target, method = "DownloadReport", "getDownloadReportLink"
	params := url.Values{"method": {report}, "start_date": {from.Format(time.DateOnly)}, "end_date": {to.Format(time.DateOnly)}}
	for name, values := range args {
		first, rest, nested := strings.Cut(name, "[")
		if nested {
			rest = "[" + rest
		}
		params["arguments["+first+"]"+rest] = values
	}
	data, err := c.Call(ctx, target, method, params)
	if err != nil {
		return "", err
	}
	var link Text
	for name, value := range members(data) {
		if name == "link" || name == "url" {
			data = value
		}
	}
	if s := shape(data); s == "an object" || s == "an array" || json.Unmarshal(data, &link) != nil || link == "" {
		return "", &APIError{Target: target, Method: method, Kind: Malformed, Err: errors.New("the answer holds no link")}
	}
	return string(link), nil
}
