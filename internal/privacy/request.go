package privacy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rawlogs/internal/near"
	"rawlogs/internal/rawlog"
)

// narrowing are columns of the network's own requests by which less is to be forgotten than
// all of a person.
var narrowing = []string{"date_begin", "date_end", "advertiser_id", "publisher_id"}

// transform is the column that says what is to be done.
const transform = "transform"

// ReadRequest reads a CSV of people: a header of names such as device_id, ip, transaction_id,
// user_id and those of the network's own requests, and in each line one value or more. Each is
// looked for by itself. Anything that cannot be read is an error, which names line and field,
// and no value.
func ReadRequest(in io.Reader) ([]Person, error) {
	r := csv.NewReader(in)
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: want a header, such as device_id,ip")
	}
	if err != nil {
		return nil, err
	}
	kinds, err := readHeader(header)
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	var people []Person
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		before := len(people)
		for i, value := range record {
			line, _ := r.FieldPos(i)
			person, err := readField(kinds[i], header[i], value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", line, rawlog.Spelling(header[i]), err)
			}
			if person != (Person{}) {
				people = append(people, person)
			}
		}
		if len(people) == before {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: names nobody: want a value in one of its columns", line)
		}
	}
	if len(people) == 0 {
		return nil, errors.New("it names nobody: it has a header and no lines")
	}
	return people, nil
}

func readHeader(header []string) ([]Kind, error) {
	kinds, seen := make([]Kind, len(header)), make(map[string]bool)
	for i, name := range header {
		name = rawlog.Spelling(name)
		if seen[name] {
			return nil, fmt.Errorf("the column %q is named twice", name)
		}
		seen[name] = true
		for _, k := range Kinds() {
			if slices.Contains(k.Names(), name) {
				kinds[i] = k
			}
		}
		if others := append(slices.Clone(narrowing), transform); kinds[i] == "" && !slices.Contains(others, name) {
			hint := "; there are device_id, ip, transaction_id, user_id and others (docs/privacy.md)"
			if meant := near.Of(name, append(others, allNames...)); meant != "" {
				hint = fmt.Sprintf(": did you mean %s?", meant)
			}
			return nil, fmt.Errorf("unknown column %.40q%s", name, hint)
		}
	}
	if !slices.ContainsFunc(kinds, func(k Kind) bool { return k != "" }) {
		return nil, errors.New("no column holds what a person is known by: device_id, ip, transaction_id, user_id and others (docs/privacy.md)")
	}
	return kinds, nil
}

// readField reads one field; an empty one is no person.
func readField(kind Kind, name, value string) (Person, error) {
	value = strings.TrimSpace(value)
	switch name = rawlog.Spelling(name); {
	case value == "":
		return Person{}, nil
	case name == transform && !strings.EqualFold(value, "delete"):
		return Person{}, errors.New("only delete can be done, or nothing be said")
	case name == transform:
		return Person{}, nil
	case kind == "":
		return Person{}, errors.New("it asks to forget a part of a person's rows; all of them are forgotten, or none: empty the field if that is meant")
	}
	return NewPerson(kind, value)
}
