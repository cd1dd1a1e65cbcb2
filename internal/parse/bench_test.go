package parse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zip"

	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// sample is a click file of a large network's hour, made once.
type sample struct{ csv, zip []byte }

var hourOfClicks = sync.OnceValue(func() sample {
	const rows = 50_000
	n := gen.New(gen.Config{Seed: 1, Clicks: rows})
	spec := gen.Spec{Type: rawlog.Clicks, Hour: testHour, Rows: rows}
	var csv, archive bytes.Buffer
	if _, err := n.WriteCSV(&csv, spec); err != nil {
		panic(err)
	}
	if _, err := n.WriteZip(&archive, "clicks.csv", spec); err != nil {
		panic(err)
	}
	return sample{csv.Bytes(), archive.Bytes()}
})

// clicksTable is a table with a column of a fitting type for every header.
func clicksTable() *load.Table {
	var columns []string
	for _, name := range gen.Header(rawlog.Clicks, 2022) {
		typ := "String"
		switch name {
		case "affiliate_id", "affiliate_manager_id", "advertiser_id", "advertiser_manager_id", "offer_id", "creative_url_id",
			"ad_campaign_id", "ad_campaign_creative_id", "offer_file_id", "browser_id", "payout_group_id", "revenue_group_id":
			typ = "UInt32"
		case "is_click_unique":
			typ = "UInt8"
		case "datetime":
			typ = "DateTime('UTC')"
		case "revenue_cents", "payout_cents":
			typ = "Decimal(18, 4)"
		case "ip":
			typ = "IPv6"
		case "affiliate_source", "user_agent", "country_code", "status", "currency", "payout_type", "revenue_type", "device_brand",
			"device_model", "device_os", "device_os_version", "req_connection_speed", "access_control_decision", "access_control_reason_code":
			typ = "LowCardinality(String)"
		}
		if strings.HasPrefix(name, "affiliate_unique") {
			typ = "LowCardinality(String)"
		}
		columns = append(columns, name+" "+typ)
	}
	return testTable(columns...)
}

// BenchmarkParse is text to wire bytes, in blocks as they are sent.
func BenchmarkParse(b *testing.B) {
	s := hourOfClicks()
	table := clicksTable()
	for _, mode := range []string{"bytes", "stream"} {
		b.Run(mode, func(b *testing.B) {
			r := newReading(b, table, Config{})
			b.SetBytes(int64(len(s.csv)))
			b.ReportAllocs()
			for b.Loop() {
				if mode == "bytes" {
					r.rd.ResetBytes(testFile, s.csv)
				} else {
					r.rd.Reset(testFile, bytes.NewReader(s.csv))
				}
				for {
					r.block.Reset()
					_, err := r.rd.Append(r.block, 8192)
					for _, c := range r.block.Input() {
						if p, ok := c.Data.(interface{ Prepare() error }); ok {
							_ = p.Prepare()
						}
					}
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			if c := r.rd.Counts(); c.Rows != 50_000 || c.Rescued > 0 || c.Rejected > 0 {
				b.Fatalf("%+v", c)
			}
		})
	}
}

// BenchmarkCut is text to fields, without converting them.
func BenchmarkCut(b *testing.B) {
	s := hourOfClicks()
	r := newReading(b, clicksTable(), Config{})
	b.SetBytes(int64(len(s.csv)))
	for b.Loop() {
		r.rd.ResetBytes(testFile, s.csv)
		if _, err := r.rd.Shape(); err != nil {
			b.Fatal(err)
		}
		for r.rd.cut(r.rd.batchRows()) == cutEnough {
		}
	}
}

// BenchmarkInflate is ZIP to verified text.
func BenchmarkInflate(b *testing.B) {
	s := hourOfClicks()
	var z Inflater
	var text []byte
	b.SetBytes(int64(len(s.csv)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := OpenZip(bytes.NewReader(s.zip), int64(len(s.zip)))
		if err == nil {
			text, err = z.Bytes(e, text, 1<<30)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInflateStream is the same for a file too large to be held.
func BenchmarkInflateStream(b *testing.B) {
	s := hourOfClicks()
	var z Inflater
	b.SetBytes(int64(len(s.csv)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := OpenZip(bytes.NewReader(s.zip), int64(len(s.zip)))
		if err == nil {
			_, err = io.Copy(io.Discard, z.Stream(e))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInflateLibrary is the same by klauspost/compress.
func BenchmarkInflateLibrary(b *testing.B) {
	s := hourOfClicks()
	b.SetBytes(int64(len(s.csv)))
	b.ReportAllocs()
	for b.Loop() {
		z, err := zip.NewReader(bytes.NewReader(s.zip), int64(len(s.zip)))
		if err != nil {
			b.Fatal(err)
		}
		text, err := z.File[0].Open()
		if err == nil {
			_, err = io.Copy(io.Discard, text)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
