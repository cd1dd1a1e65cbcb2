package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// reload loads a file into the busy month, which is given twice its rows for that, and reloads
// it. Then it reloads a second file whose rows have been merged into a part of the largest size:
// they are marked as deleted there, and the part's roll-ups are rebuilt.
func reload(ctx context.Context, st *store.Store, o options) (out []answer, err error) {
	folder, err := os.MkdirTemp("", "queries-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err = halve(ctx, st); err != nil { // a run that was killed may have left it
		return nil, err
	}
	defer func() { err = errors.Join(err, halve(context.WithoutCancel(ctx), st)) }()
	if err = double(ctx, st); err != nil {
		return nil, fmt.Errorf("doubling the busy month: %w", err)
	}
	hour := busy.AddDate(0, 0, 14).Add(13 * time.Hour)
	load := func(what string, args ...string) error {
		took, failed := ingest(ctx, o, append(args, "--type", "clicks", "--source", folder)...)
		if what != "" {
			name := fmt.Sprintf("%d rows into a month of %d, %s", fileRows, 2*spread(o.clicks).busy*24*30, what)
			out = append(out, answer{question: question{group: "one file", name: name, within: scan}, first: took, median: took})
		}
		return failed
	}
	name, err := archive(folder, hour)
	if err == nil {
		err = load("loaded", "backfill", hour.Format("20060102"))
	}
	if err == nil {
		err = load("loaded again", "reload", name)
	}
	if err == nil {
		name, err = archive(folder, hour)
	}
	if err == nil {
		err = load("", "backfill", hour.Format("20060102"))
	}
	if err != nil {
		return nil, err
	}
	rows, err := surround(ctx, st, name)
	if err == nil {
		err = load(fmt.Sprintf("from a part of %d, loaded again", rows), "reload", name)
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

// twin is a database beside the store's, with the busy month as it was before it was doubled:
// its parts are the store's own files under further names.
const twin = "twin"

// double gives the busy month every row a second time.
func double(ctx context.Context, st *store.Store) error {
	return execute(ctx, st,
		"CREATE DATABASE "+twin,
		"CREATE TABLE "+twin+".clicks AS "+st.Holding("clicks"),
		"ALTER TABLE "+twin+".clicks ATTACH PARTITION ID '"+busy.Format("200601")+"' FROM "+st.Holding("clicks"),
		"ALTER TABLE "+st.Holding("clicks")+" ATTACH PARTITION ID '"+busy.Format("200601")+"' FROM "+twin+".clicks")
}

// halve makes the busy month what it was before double, whatever was loaded since.
func halve(ctx context.Context, st *store.Store) error {
	var parts uint64
	err := st.Conn().QueryRow(ctx, "SELECT count() FROM system.parts WHERE active AND database = ? AND table = 'clicks'", twin).Scan(&parts)
	if err == nil && parts > 0 {
		err = execute(ctx, st, "ALTER TABLE "+st.Holding("clicks")+" REPLACE PARTITION ID '"+busy.Format("200601")+"' FROM "+twin+".clicks")
	}
	if err == nil {
		err = execute(ctx, st, "DROP DATABASE IF EXISTS "+twin+" SYNC")
	}
	return err
}

func execute(ctx context.Context, st *store.Store, statements ...string) error {
	for _, statement := range statements {
		if err := st.Conn().Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// surround moves the rows of a file into one part with those of the busy month's largest part,
// whose rows the month then has once more. It returns the number of rows in that part.
func surround(ctx context.Context, st *store.Store, name string) (rows uint64, err error) {
	scope := store.Scope{Network: "acme", Type: rawlog.Clicks}
	held, err := st.CountRows(ctx, scope, name)
	if err != nil {
		return 0, err
	}
	table, large := st.Holding("clicks"), twin+".large"
	if err = execute(ctx, st, "CREATE TABLE "+large+" AS "+table); err == nil {
		err = st.Conn().Exec(ctx, "INSERT INTO "+large+" SELECT * FROM "+table+" WHERE _file = ? OR _part = "+
			"(SELECT argMax(name, bytes_on_disk) FROM system.parts WHERE active AND database = ? AND table = 'clicks' AND partition_id = ?)",
			name, st.Database(), busy.Format("200601"))
	}
	if err == nil {
		err = execute(ctx, st, "OPTIMIZE TABLE "+large+" FINAL SETTINGS optimize_throw_if_noop = 1")
	}
	if err == nil {
		err = st.DeleteRows(ctx, scope, slices.Collect(maps.Keys(held)), store.Fence{})
	}
	if err == nil {
		err = execute(ctx, st, "ALTER TABLE "+table+" ATTACH PARTITION ID '"+busy.Format("200601")+"' FROM "+large)
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
