package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
	"rawlogs/internal/store"
)

// reloading is what reload is asked for by.
const reloading = "load: a file of the busy month, and again"

// fileRows are the rows of the file that is loaded and loaded again.
const fileRows = 50_000

// reload loads a file into the month that has half of the rows, and reloads it. Then it reloads
// a second file whose rows have been merged into a part of the largest size: they are marked as
// deleted there, and the part's roll-ups are rebuilt.
func reload(ctx context.Context, st *store.Store, o options) (out []answer, err error) {
	folder, err := os.MkdirTemp("", "queries-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	load := func(what string, args ...string) error {
		took, failed := ingest(ctx, o, append(args, "--type", "clicks", "--source", folder)...)
		if what != "" {
			out = append(out, answer{question: question{group: "one file", name: fmt.Sprintf("%d rows %s", fileRows, what), within: scan}, first: took, median: took})
		}
		return failed
	}
	month := fmt.Sprintf("into a month of %d, ", spread(o.clicks).busy*24*30)
	hour := busy.AddDate(0, 0, 14).Add(13 * time.Hour)
	name, err := archive(folder, hour)
	if err == nil {
		err = load(month+"loaded", "backfill", hour.Format("20060102"))
	}
	if err == nil {
		err = load(month+"loaded again", "reload", name)
	}
	if err != nil {
		return nil, err
	}
	// The store is kept, this month is not; a run that was killed may have left one.
	if err = st.Conn().Exec(ctx, dropBeyond(st)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Conn().Exec(context.WithoutCancel(ctx), dropBeyond(st))) }()
	hour = beyond.AddDate(0, 0, 14).Add(13 * time.Hour)
	if name, err = archive(folder, hour); err == nil {
		err = load("", "backfill", hour.Format("20060102"))
	}
	if err != nil {
		return nil, err
	}
	rows, err := surround(ctx, st, name)
	if err == nil {
		err = load(fmt.Sprintf("in a part of %d, loaded again", rows), "reload", name)
	}
	if err != nil {
		return nil, err
	}
	differ, err := st.DifferentRollUps(ctx, "clicks", "acme")
	if err == nil && len(differ) > 0 {
		err = fmt.Errorf("the roll-ups do not say what the rows say: %+v", differ)
	}
	return out, err
}

// beyond is the month after the year: it has no rows but those of a reload.
var beyond = busy.AddDate(0, 1, 0)

func dropBeyond(st *store.Store) string {
	return "ALTER TABLE " + st.Holding("clicks") + " DROP PARTITION ID '" + beyond.Format("200601") + "'"
}

// surround copies the rows of the busy month's largest part into the month after it and merges
// them with the file's into one part. It returns the number of rows in that part.
func surround(ctx context.Context, st *store.Store, name string) (rows uint64, err error) {
	table := st.Holding("clicks")
	err = st.Conn().Exec(ctx, "INSERT INTO "+table+" SELECT * REPLACE (datetime + INTERVAL 30 DAY AS datetime, _hour + INTERVAL 30 DAY AS _hour) FROM "+table+
		" WHERE _part = (SELECT argMax(name, bytes_on_disk) FROM system.parts WHERE active AND database = ? AND table = 'clicks' AND partition_id = ?)", st.Database(), busy.Format("200601"))
	if err == nil {
		err = st.Conn().Exec(ctx, "OPTIMIZE TABLE "+table+" PARTITION ID '"+beyond.Format("200601")+"' FINAL SETTINGS optimize_throw_if_noop = 1")
	}
	if err != nil {
		return 0, fmt.Errorf("making a large part: %w", err)
	}
	err = st.Conn().QueryRow(ctx, "SELECT count() FROM "+table+" WHERE _part IN (SELECT _part FROM "+table+" WHERE _file = ?)", name).Scan(&rows)
	if err == nil && rows < 2*fileRows {
		err = fmt.Errorf("the file is in parts of %d rows: it was not merged with others", rows)
	}
	return rows, err
}

// archive makes the file as the network would publish it, and returns its name. Name and text
// are new ones each time, as the store that is kept may have the file of an earlier time.
func archive(folder string, hour time.Time) (string, error) {
	made := uint64(time.Now().UnixNano())
	name := gen.FileName(rawlog.Clicks, hour, made)
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	z := zip.NewWriter(f)
	w, err := z.Create(strings.TrimSuffix(filepath.Base(name), ".zip") + ".csv")
	if err == nil {
		_, err = w.Write(lines(hour, made))
	}
	return name, errors.Join(err, z.Close(), f.Close())
}

// lines is the CSV of the file, whose transactions bear the time at which it was made.
func lines(hour time.Time, made uint64) []byte {
	header := gen.Header(rawlog.Clicks, 2016)
	text := []byte(strings.Join(header, ",") + "\n")
	for i := range fileRows {
		for j, column := range header {
			if j > 0 {
				text = append(text, ',')
			}
			switch column {
			case "transaction_id":
				text = fmt.Appendf(text, "%016x%016x", made, i)
			case "offer_id", "affiliate_id", "advertiser_id":
				text = fmt.Append(text, 1+i%97)
			case "datetime":
				text = hour.Add(time.Duration(i)*time.Second%time.Hour).AppendFormat(text, time.DateTime)
			case "currency":
				text = append(text, "USD"...)
			}
		}
		text = append(text, '\n')
	}
	return text
}

// ingest runs the program, which finds the engine running and shares it, and returns how
// long it took. It fails unless the file was loaded.
func ingest(ctx context.Context, o options, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, o.ingest, append(args, "--store", "embedded:"+o.data, "--json", "-q")...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), "INGEST_CONFIG=" + os.DevNull, "HASOFFERS_NETWORK_ID=acme"}
	cmd.Stderr = os.Stderr
	began := time.Now()
	text, err := cmd.Output()
	took := time.Since(began)
	var summary struct {
		Rows uint64 `json:"rows"`
	}
	if err == nil {
		err = json.Unmarshal(text, &summary)
	}
	if err == nil && summary.Rows != fileRows {
		err = fmt.Errorf("%d rows of %d are loaded", summary.Rows, fileRows)
	}
	if err != nil {
		return took, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text)
	}
	return took, nil
}
