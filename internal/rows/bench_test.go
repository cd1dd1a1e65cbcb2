package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// hourOfClicks is the text of a large network's hour, made once.
var hourOfClicks = sync.OnceValue(func() []byte {
	const rows = 50_000
	n := gen.New(gen.Config{Seed: 1, Clicks: rows})
	spec := gen.Spec{Type: rawlog.Clicks, Hour: testHour, Rows: rows}
	var text bytes.Buffer
	if _, err := n.WriteCSV(&text, spec); err != nil {
		panic(err)
	}
	return text.Bytes()
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
	table := clicksTable()
	for _, mode := range []string{"bytes", "stream"} {
		b.Run(mode, func(b *testing.B) {
			benchmarkParse(b, newReading(b, table, Config{}), mode)
		})
	}
}

// BenchmarkReceipts is the same where people were forgotten, by so many values.
func BenchmarkReceipts(b *testing.B) {
	table := clicksTable()
	for _, n := range []int{0, 1, 1_000, 100_000} {
		receipts := make([][]string, n)
		for i := range receipts {
			receipts[i] = []string{fmt.Sprintf("%032x", i)}
		}
		obeying, err := policy(b, "").Obeying(receipts)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchmarkParse(b, newReading(b, table, Config{Privacy: obeying}), "bytes")
		})
	}
}

func benchmarkParse(b *testing.B, r *reading, mode string) {
	b.Helper()
	s := hourOfClicks()
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if mode == "bytes" {
			r.rd.ResetBytes(testFile, s)
		} else {
			r.rd.Reset(testFile, bytes.NewReader(s))
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
}

// BenchmarkCut is text to fields, without converting them.
func BenchmarkCut(b *testing.B) {
	s := hourOfClicks()
	r := newReading(b, clicksTable(), Config{})
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		r.rd.ResetBytes(testFile, s)
		if _, err := r.rd.Shape(); err != nil {
			b.Fatal(err)
		}
		for err := error(nil); err == nil; err = r.rd.cutter.Next() {
			r.rd.cutter.Cut(r.rd.batchRows())
		}
	}
}
