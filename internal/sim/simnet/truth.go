package simnet

import (
	"cmp"
	"slices"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// FileTruth is what one file really holds.
type FileTruth struct {
	Type   rawlog.Type `json:"type"`
	Name   string      `json:"name"`
	Hour   time.Time   `json:"hour"`
	Size   int64       `json:"size"`
	ETag   string      `json:"etag"`
	Listed bool        `json:"listed"` // false: held back, or taken out of the listings
	Stored bool        `json:"stored"` // false: the object is gone
	Raw    bool        `json:"raw"`    // uploaded as bytes: nothing is known of its rows

	Rows    int              `json:"rows"`   // good ones
	Broken  int              `json:"broken"` // lines to be put aside
	Lines   int              `json:"lines"`  // records with the header
	Columns int              `json:"columns"`
	Bytes   int64            `json:"bytes"` // of CSV
	Detail  gen.Truth        `json:"-"`
	Bad     []gen.BrokenLine `json:"bad,omitempty"`
}

// Truth is what a loader must end up with.
type Truth struct {
	Network string                    `json:"network"`
	Planted *gen.Planted              `json:"planted,omitempty"` // affiliates who cheat; nil: nobody was asked to
	Types   map[rawlog.Type]TypeTruth `json:"types"`             // of files that are listed and stored
	Offers  []OfferTruth              `json:"offers"`
	Files   []FileTruth               `json:"files"` // all, by type, hour and name
}

// TypeTruth sums up the files of a type.
type TypeTruth struct {
	Files  int `json:"files"`
	Rows   int `json:"rows"`
	Broken int `json:"broken"`
}

// OfferTruth sums up the rows of an offer on a UTC day. Amounts are cents.
type OfferTruth struct {
	Type    rawlog.Type `json:"type"`
	Offer   int         `json:"offer"`
	Day     string      `json:"day"`
	Rows    int         `json:"rows"`
	Payout  string      `json:"payout_cents"`
	Revenue string      `json:"revenue_cents"`
}

// Truth tells what the network's files hold now.
func (n *Network) Truth() Truth {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := Truth{Network: n.cfg.ID, Types: make(map[rawlog.Type]TypeTruth)}
	if planted := n.logs.Planted(); len(planted.Hijackers)+len(planted.Flooders) > 0 {
		t.Planted = &planted
	}
	type key struct {
		typ rawlog.Type
		gen.OfferDay
	}
	offers := make(map[key]gen.Total)
	for _, f := range n.files {
		t.Files = append(t.Files, FileTruth{
			Type: f.Type, Name: f.Name, Hour: f.Hour, Size: f.Size, ETag: f.ETag,
			Listed: f.listed, Stored: f.stored, Raw: f.raw,
			Rows: f.truth.Rows, Broken: len(f.truth.Broken), Lines: f.truth.Lines,
			Columns: len(f.truth.Header), Bytes: f.truth.Bytes, Detail: f.truth, Bad: f.truth.Broken,
		})
		if !f.listed || !f.stored {
			continue
		}
		sum := t.Types[f.Type]
		sum.Files++
		sum.Rows += f.truth.Rows
		sum.Broken += len(f.truth.Broken)
		t.Types[f.Type] = sum
		for day, total := range f.truth.Totals {
			o := offers[key{f.Type, day}]
			o.Rows += total.Rows
			o.Payout += total.Payout
			o.Revenue += total.Revenue
			offers[key{f.Type, day}] = o
		}
	}
	for k, o := range offers {
		t.Offers = append(t.Offers, OfferTruth{
			Type: k.typ, Offer: k.Offer, Day: k.Day, Rows: o.Rows,
			Payout: o.Payout.Cents(), Revenue: o.Revenue.Cents(),
		})
	}
	slices.SortFunc(t.Files, func(a, b FileTruth) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), a.Hour.Compare(b.Hour), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(t.Offers, func(a, b OfferTruth) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Offer, b.Offer))
	})
	return t
}
