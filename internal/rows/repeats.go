package rows

import (
	"bytes"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/records"
)

// firstRows is how many rows in the order of the first ones it takes to say that a text
// begins once more. A network writes one click twice now and then.
const firstRows = 3

// fewestAlike is how many rows with one id make it one that identifies none of them.
const fewestAlike = 10

// repeats follows the transaction ids of a text's first rows through the others. It
// copies what it keeps.
type repeats struct {
	field int // of the header, that has the ids, or -1
	first [firstRows][]byte
	kept  int
	rows  uint64 // with an id
	same  uint64 // of them, with the id of the first
	begin uint32 // line of the latest row that is the first one again
	wants int    // rows that would have to follow from there on in the order of the first ones
	met   int    // rows that did
	again uint32 // line on which the first rows come once more, or 0
}

func (p *repeats) reset() { *p = repeats{field: -1, first: p.first} }

// lay says which field has the ids. A click has several conversions, each of which is a row.
func (p *repeats) lay(typ rawlog.Type, field int) {
	if p.field = field; typ == rawlog.Conversions { //guard:conversions-share-ids
		p.field = -1
	}
}

// look takes up the rows of a batch.
func (p *repeats) look(batch *records.Records) {
	if p.field < 0 {
		return
	}
	for r := range batch.Rows {
		f := batch.Fields[r*batch.Width+p.field]
		id := batch.Text[f.Off:][:f.Bytes()]
		if len(id) == 0 {
			p.met = 0
			continue
		}
		p.rows++
		is := p.kept > 0 && bytes.Equal(id, p.first[0])
		if is || p.kept == 0 {
			p.same++
		}
		if p.again == 0 && (is || p.met > 0) {
			p.follow(id, is, batch.Lines[r])
		}
		if p.kept < firstRows {
			p.first[p.kept] = append(p.first[p.kept][:0], id...)
			p.kept++
		}
	}
}

// follow goes on with a row that is the first once more, or comes after such a one.
func (p *repeats) follow(id []byte, is bool, line uint32) {
	if p.met > 0 && bytes.Equal(id, p.first[p.met]) {
		p.met++
	} else if p.met = 0; is && p.kept > 1 && !bytes.Equal(p.first[0], p.first[1]) {
		p.begin, p.wants, p.met = line, p.kept, 1
	}
	if p.met > 0 && p.met == p.wants { //guard:text-twice
		p.again = p.begin
	}
}

// one is the id that each of the rows has, if they are fewestAlike at least.
func (p *repeats) one() string {
	if p.rows < fewestAlike || p.same < p.rows { //guard:one-id
		return ""
	}
	return string(p.first[0][:min(len(p.first[0]), mostShown)])
}
