package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestRefusersOf(t *testing.T) {
	t.Parallel()
	const key = "offer_id, affiliate_id, datetime"
	for create, want := range map[string]string{
		"CREATE TABLE db.clicks (`a` String COMMENT 'CONSTRAINT c CHECK, TTL x', INDEX by_a a TYPE minmax GRANULARITY 1, INDEX b (a, `c d`) TYPE minmax) ENGINE = MergeTree": "",
		"CREATE TABLE db.clicks (`a` String, CONSTRAINT few CHECK offer_id < 3, CONSTRAINT `a b` ASSUME 1) ENGINE = MergeTree":                                               "the constraint few, the constraint `a b`",
		"CREATE TABLE db.clicks (`a` String, INDEX n toUInt64(a) TYPE minmax GRANULARITY 1) ENGINE = MergeTree":                                                              "the index n on toUInt64(a)",
		"CREATE TABLE db.clicks (`a` String, PROJECTION p (SELECT a ORDER BY a)) ENGINE = MergeTree":                                                                         "the projection p",
		"CREATE TABLE db.clicks (`a` String TTL _hour + toIntervalYear(1)) ENGINE = MergeTree":                                                                               "a TTL",
	} {
		var got []string
		for _, r := range single.refusersOf("MergeTree", create, key, "toYYYYMM(_hour)") {
			got = append(got, r.Text)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", create, got, want)
		}
	}
	if got := single.refusersOf("ReplacingMergeTree", "", "offer_id, toUInt64(affiliate_sub1)", ""); len(got) != 2 || got[0].Kind != SortingKey || got[1].Kind != Merging {
		t.Errorf("%+v", got)
	}
}

func TestRowsRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[int32]bool{469: true, 6: true, 395: true, 0: false, 60: false, 241: false, 243: false, 252: false, 497: false, 53: false} {
		for _, err := range []error{&ch.Exception{Code: proto.Error(code)}, &clickhouse.Exception{Code: code}} {
			if got := RowsRefused(fmt.Errorf("insert: %w", err)); got != want {
				t.Errorf("%d: %v", code, got)
			}
		}
	}
}

// A mutation is named before the server drops the INSERT that waits for it.
func TestMutationInMidInsert(t *testing.T) {
	t.Parallel()
	s := new(Server)
	if s.patienceWithMutations(t.Context()) < mutationWait {
		t.Error("outside of an INSERT there is more time")
	}
	if wait := s.patienceWithMutations(InMidInsert(t.Context())); wait > 30*time.Second {
		t.Errorf("%v, while the server waits for 40 s", wait)
	}
}
