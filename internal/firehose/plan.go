package firehose

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rawlogs/internal/rawlog"
)

// Plan is what one log type has of a file: the columns that its events need, and by what
// each of them is known. It is made by a first reading of the text and used by the second.
type Plan struct {
	Type     rawlog.Type
	Keys     []string // of its events, in order
	Bytes    int64    // of their values
	LeftOut  uint64   // events that Drop left out
	columns  []column
	byTarget map[target]int
	dropped  []bool
}

// column is one of the names under which records come out of a Cutter.
type column struct {
	name  string
	scale int // of rawlog.Meaning
}

// target is the n-th of an event's keys that mean one column of a table.
type target struct {
	column string
	nth    int
}

// cell is a value and the column that it belongs to.
type cell struct {
	at    int
	value string
}

// isAdjustment is the column that marks adjustments among conversions.
const isAdjustment = "is_adjustment"

// Read makes the plan of a type by reading the items of a file to the end.
func Read(s *Scanner, typ rawlog.Type) (*Plan, error) {
	p := &Plan{Type: typ, columns: []column{{name: "event_id"}}, byTarget: map[target]int{{"tune_event_id", 0}: 0}}
	for {
		item, err := s.Next()
		if errors.Is(err, io.EOF) {
			p.dropped = make([]bool, len(p.Keys))
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		if item.Type != typ || item.Event == nil {
			continue
		}
		if len(p.Keys) == MaxEvents {
			return nil, fmt.Errorf("it holds more than %d %s: cut it into smaller files", MaxEvents, typ)
		}
		cells, err := p.lay(item.Event, true)
		if err != nil {
			return nil, err
		}
		for _, c := range cells {
			p.Bytes += int64(len(c.value))
		}
		p.Keys = append(p.Keys, strings.Clone(item.Event.Key()))
	}
}

// Drop leaves out the n-th of the Keys.
func (p *Plan) Drop(n int) {
	if !p.dropped[n] {
		p.dropped[n] = true
		p.LeftOut++
	}
}

// Keep takes back all that Drop did.
func (p *Plan) Keep() {
	clear(p.dropped)
	p.LeftOut = 0
}

// meaning is what a key stands for, by the network's other vocabulary. when is another
// spelling of the time, as an instant.
func meaning(name string) (m rawlog.Meaning, when bool) {
	if m = rawlog.Alias(name); m.Column == "created_timestamp" {
		return rawlog.Meaning{Column: "datetime"}, true
	}
	return m, false
}

// lay finds the columns of an event's values. A column has one name for the whole file,
// whichever of its names an event uses, so that each event feeds it. With grow, columns
// that are not there yet are made.
func (p *Plan) lay(e *Event, grow bool) ([]cell, error) {
	fields := slices.Clone(e.Fields)
	if e.Adjusts() && p.Type == rawlog.Conversions {
		fields = slices.DeleteFunc(fields, func(f Field) bool { return rawlog.Spelling(f.Key) == isAdjustment })
		fields = append(fields, Field{isAdjustment, "1"})
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return cmp.Or(rank(a.Key)-rank(b.Key), cmp.Compare(a.Key, b.Key)) })
	nth := make(map[string]int, len(fields))
	cells := make([]cell, 0, len(fields))
	for _, f := range fields {
		m, when := meaning(f.Key)
		for {
			at, there := p.byTarget[target{m.Column, nth[m.Column]}]
			if !there {
				if !grow {
					return nil, errors.New("the text is another than when it was first read")
				}
				name := f.Key
				switch spelt := rawlog.Spelling(name) == m.Column; {
				case when && nth[m.Column] == 0:
					name = m.Column
				case spelt && nth[m.Column] > 0: // the column's own name would win over what feeds it
					name += "#2"
				}
				if at = len(p.columns); at > maxColumns {
					return nil, fmt.Errorf("its %s have more than %d different keys", p.Type, maxColumns)
				}
				p.columns = append(p.columns, column{name, m.Scale})
				p.byTarget[target{m.Column, nth[m.Column]}] = at
			}
			nth[m.Column]++
			value, ok := shift(f.Value, m.Scale-p.columns[at].scale)
			if ok {
				cells = append(cells, cell{at, value})
				break
			}
		}
	}
	return cells, nil
}

// rank says which of several keys that mean one column feeds it: the column's own name
// first, what a thing is worth now last, as an adjustment's own amount is a difference.
func rank(name string) int {
	m, when := meaning(name)
	switch {
	case rawlog.Spelling(name) == m.Column:
		return 0
	case strings.HasPrefix(rawlog.Spelling(name), "current_"), when:
		return 2
	}
	return 1
}

// shift multiplies a decimal by a power of ten, exactly; ok is false where it is not written
// as a plain one.
func shift(text string, by int) (shifted string, ok bool) {
	if by == 0 || text == "" {
		return text, true
	}
	digits, sign := text, ""
	if digits[0] == '-' || digits[0] == '+' {
		sign, digits = strings.TrimPrefix(digits[:1], "+"), digits[1:]
	}
	whole, part, _ := strings.Cut(digits, ".")
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" {
		return text, false
	}
	for ; by > 0; by-- {
		next := "0"
		if part != "" {
			next, part = part[:1], part[1:]
		}
		whole += next
	}
	for ; by < 0; by++ {
		last := "0"
		if whole != "" {
			last, whole = whole[len(whole)-1:], whole[:len(whole)-1]
		}
		part = last + part
	}
	whole = cmp.Or(strings.TrimLeft(whole, "0"), "0")
	if part = strings.TrimRight(part, "0"); part != "" {
		whole += "." + part
	}
	return sign + whole, true
}
