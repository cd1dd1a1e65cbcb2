package hasoffers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// Page is one page of a find method's answer.
type Page struct {
	Rows []Row // in the answer's order, which carries the sort
	// Paged means that the answer has page numbers; without, it is everything.
	Paged bool
	Page  int
	Pages int // how many there are
	Count int // rows on all pages
	// Counted reports whether the answer had a count: without, Count says nothing.
	Counted bool
}

// Row is one row of an answer.
type Row struct {
	Key    string          // its key in the answer's map, usually its id; "" in an array
	Fields json.RawMessage // the object of its fields
	// Related are the entities that came along by contain, by their names.
	Related map[string]json.RawMessage
}

// Find calls a find method and takes its answer apart. model is the name that
// the answer wraps each row in (Offer, Stat); "" takes whatever single name
// there is.
func (c *Client) Find(ctx context.Context, target, method, model string, q Query, extra url.Values) (Page, error) {
	params := url.Values{}
	for name, values := range extra {
		params[name] = values
	}
	q.AddTo(params)
	data, err := c.Call(ctx, target, method, params)
	if err != nil {
		return Page{}, err
	}
	page, err := DecodePage(data, model)
	if err != nil {
		return Page{}, &APIError{Target: target, Method: method, Kind: Malformed, Err: err}
	}
	return page, nil
}

// DecodePage reads response.data of any find method. The shapes: with page
// numbers around or without; rows in a map by id, in an array, or [] "" null
// when there are none; each row wrapped in its model's name or bare.
func DecodePage(data json.RawMessage, model string) (Page, error) {
	return decodePage(data, func(key string, value json.RawMessage) (Row, error) { return decodeRow(key, value, model) })
}

func decodePage(data json.RawMessage, decode func(string, json.RawMessage) (Row, error)) (Page, error) {
	if isEmpty(data) {
		return Page{}, nil
	}
	rows := data
	var page Page
	if shape(data) == "an object" {
		inner, counts, err := pageMembers(data)
		if err != nil {
			return Page{}, err
		}
		if inner != nil {
			rows = inner
			_, counted := counts["count"]
			page = Page{Paged: true, Page: int(counts["page"]), Pages: int(counts["pageCount"]), Count: int(counts["count"]), Counted: counted}
		}
	}
	if isEmpty(rows) {
		return page, nil
	}
	var err error
	add := func(key string, value json.RawMessage) {
		var row Row
		if err == nil {
			row, err = decode(key, value)
			page.Rows = append(page.Rows, row)
		}
	}
	switch shape(rows) {
	case "an object":
		for key, value := range members(rows) {
			add(key, value)
		}
	case "an array":
		for value := range elements(rows) {
			add("", value)
		}
	default:
		return Page{}, fmt.Errorf("data is %s where rows are expected", shape(rows))
	}
	return page, err
}

// pageMembers finds the rows and the numbers of a paged answer; no rows means
// that data is not a paged answer but the rows themselves.
func pageMembers(data json.RawMessage) (json.RawMessage, map[string]Int, error) {
	var inner json.RawMessage
	counts := make(map[string]Int)
	for name, value := range members(data) {
		switch name {
		case "data":
			inner = value
		case "page", "pageCount", "count", "current":
			var n Int
			if shape(value) == "an object" || shape(value) == "an array" {
				return nil, nil, nil // a row of that name
			}
			if err := n.UnmarshalJSON(value); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", name, err)
			}
			counts[name] = n
		}
	}
	if _, ok := counts["pageCount"]; !ok {
		if _, ok := counts["count"]; !ok {
			return nil, nil, nil
		}
	}
	if inner == nil {
		inner = json.RawMessage("[]")
	}
	return inner, counts, nil
}

// SplitPage is DecodePage for rows of any kind: Fields is each row as it stands,
// with its wrapping.
func SplitPage(data json.RawMessage) (Page, error) { return decodePage(data, asIs) }

func asIs(key string, value json.RawMessage) (Row, error) { return Row{Key: key, Fields: value}, nil }

func decodeRow(key string, value json.RawMessage, model string) (Row, error) {
	if shape(value) != "an object" {
		return Row{}, fmt.Errorf("row %.40q is %s", key, shape(value))
	}
	row := Row{Key: key}
	wrapped := true // every member is an entity
	n := 0
	for name, v := range members(value) {
		n++
		entity := shape(v) == "an object" || isEmptyArray(v) || string(v) == "null"
		wrapped = wrapped && entity
		switch {
		case name == model || model == "" && row.Fields == nil && shape(v) == "an object":
			row.Fields = v
		case shape(v) == "an object" || shape(v) == "an array":
			if row.Related == nil {
				row.Related = make(map[string]json.RawMessage)
			}
			row.Related[name] = v
		}
	}
	if !wrapped || n == 0 {
		row.Fields = value // bare
	}
	if shape(row.Fields) != "an object" {
		return Row{}, fmt.Errorf("row %.40q holds no %s", key, model)
	}
	return row, nil
}

// Values are a row's fields as text, by name; nested ones are left out. Null is
// "", as the API means the same by both.
func (r Row) Values() map[string]string {
	values := make(map[string]string)
	for name, v := range members(r.Fields) {
		var t Text
		if t.UnmarshalJSON(v) == nil {
			values[name] = string(t)
		}
	}
	return values
}
