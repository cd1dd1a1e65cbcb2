package simnet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Downloads are the reports that are fetched as one CSV. Its zero value hands out links
// to the storage, valid as long as those of logs (see Faults.LinkValid and ExpireLinks).
type Downloads struct {
	mu     sync.Mutex
	number int
	halves int
	edit   func(rows [][]string) [][]string
	alter  func(text []byte) []byte
	lead   func(link string) string
	spent  map[string]bool // links of this network's own that were used
}

// Halve makes the next count links ones that end in mid-download: they answer with half
// of the file, and with 403 from then on.
func (d *Downloads) Halve(count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halves = count
}

// Edit lets f change the tables, header first, of the links to come; nil ends it.
func (d *Downloads) Edit(f func(rows [][]string) [][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.edit = f
}

// Alter lets f change the text of the files that links to come lead to; nil ends it.
func (d *Downloads) Alter(f func(text []byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alter = f
}

// Lead lets f change the links to come; nil ends it.
func (d *Downloads) Lead(f func(link string) string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lead = f
}

// DownloadPath is where links lead that end in mid-download.
const DownloadPath = "/downloads/"

var argument = regexp.MustCompile(`^arguments\[([^\]]+)\](.*)$`)

// reportLink answers DownloadReport::getDownloadReportLink; nil leaves the call to others.
func (n *Network) reportLink(r *http.Request, q url.Values) *Answer {
	if q.Get("Target") != "DownloadReport" {
		return nil
	}
	if q.Get("Method") != "getDownloadReportLink" {
		return Failure("Method DownloadReport::" + q.Get("Method") + " does not exist.")
	}
	if m := q.Get("method"); m != "getConversions" && m != "getStats" {
		return invalidParameter("method", "method must be one of getConversions, getStats.")
	}
	ask := url.Values{"Target": {"Report"}, "Method": {q.Get("method")}}
	for name, values := range q {
		if m := argument.FindStringSubmatch(name); m != nil {
			ask[m[1]+m[2]] = values
		}
	}
	ask.Set("filters[Stat.date][conditional]", "BETWEEN")
	for i, name := range []string{"start_date", "end_date"} {
		if _, err := time.Parse(time.DateOnly, q.Get(name)); err != nil {
			return invalidParameter(name, name+" must be a date in the format YYYY-MM-DD.")
		}
		ask.Set(fmt.Sprintf("filters[Stat.date][values][%d]", i), q.Get(name))
	}
	rows, bad := n.table(ask)
	if bad != nil {
		return bad
	}
	link, err := n.linkTo(r, rows)
	if err != nil {
		return &Answer{Status: http.StatusInternalServerError, Type: "text/plain", Body: err.Error()}
	}
	return success(link)
}

// table is a report's answer as a header and rows.
func (n *Network) table(ask url.Values) ([][]string, *Answer) {
	a := n.report(ask)
	var report struct {
		Status int
		Data   json.RawMessage
	}
	var found struct {
		Data    []map[string]map[string]any
		Columns []string `json:"currency_columns"`
	}
	if a.Type != envelope || json.Unmarshal([]byte(a.Body), &report) != nil || report.Status != 1 || json.Unmarshal(report.Data, &found) != nil {
		return nil, a
	}
	header := append(append([]string{}, ask["fields[]"]...), found.Columns...)
	rows := [][]string{header}
	for _, row := range found.Data {
		record := make([]string, len(header))
		for i, field := range header {
			model, name, _ := strings.Cut(field, ".")
			if v := row[model][name]; v != nil {
				record[i] = fmt.Sprint(v)
			}
		}
		rows = append(rows, record)
	}
	return rows, nil
}

func (n *Network) linkTo(r *http.Request, rows [][]string) (string, error) {
	d := &n.Downloads
	d.mu.Lock()
	d.number++
	key := fmt.Sprintf("%s/reports/%s/report-%d.csv", n.cfg.Prefix, n.cfg.ID, d.number)
	half := d.halves > 0
	if half {
		d.halves--
	}
	if d.edit != nil {
		rows = d.edit(rows)
	}
	alter, lead := d.alter, d.lead
	d.mu.Unlock()
	if n.client == nil {
		return "", fmt.Errorf("simnet: no S3 server")
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return "", err
	}
	content := text.Bytes()
	if alter != nil {
		content = alter(content)
	}
	if _, err := n.client.PutObject(r.Context(), &s3.PutObjectInput{
		Bucket: &n.cfg.Bucket, Key: &key, Body: bytes.NewReader(content), ContentType: aws.String("text/csv"),
	}); err != nil {
		return "", fmt.Errorf("simnet: uploading %s: %w", key, err)
	}
	if half {
		return "http://" + r.Host + DownloadPath + key, nil
	}
	link, err := n.presign(r.Context(), key)
	if lead != nil && err == nil {
		link = lead(link)
	}
	return link, err
}

// download answers the links that end in mid-download; false leaves the call to others.
func (n *Network) download(w http.ResponseWriter, r *http.Request) bool {
	key, ok := strings.CutPrefix(r.URL.Path, DownloadPath)
	if !ok {
		return false
	}
	d := &n.Downloads
	d.mu.Lock()
	if d.spent == nil {
		d.spent = map[string]bool{}
	}
	spent := d.spent[key]
	d.spent[key] = true
	d.mu.Unlock()
	if spent {
		http.Error(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", http.StatusForbidden)
		return true
	}
	object, err := n.client.GetObject(r.Context(), &s3.GetObjectInput{Bucket: &n.cfg.Bucket, Key: &key})
	if err != nil {
		http.NotFound(w, r)
		return true
	}
	defer func() { _ = object.Body.Close() }()
	w.Header().Set("Content-Length", fmt.Sprint(aws.ToInt64(object.ContentLength)))
	w.Header().Set("ETag", aws.ToString(object.ETag))
	w.Header().Set("Content-Type", "text/csv")
	_, _ = io.CopyN(w, object.Body, aws.ToInt64(object.ContentLength)/2) // the client may be gone
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
