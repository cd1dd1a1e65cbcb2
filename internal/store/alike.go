package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Alike asks which rows several files have in common.
type Alike struct {
	Scope Scope
	Hours []time.Time // of the files, as their rows have them
	// Key are the columns by which a row is the same in two files, transaction_id
	// first. A row without one is like no other.
	Key []string
	// OneOf picks one of so many transactions; 1 is all. The server holds the keys of
	// all rows that are picked.
	OneOf uint64
}

// Identified is what a file has of rows with a transaction_id.
type Identified struct {
	Rows   uint64
	Loaded time.Time // when the first of them was stored, by the store's clock
}

// Common is a number of keys that each of the files has.
type Common struct {
	Files []string
	Keys  uint64
}

// FindAlike returns the files of the hours by name, and what any two or more of them
// have in common. A key counts once, however many rows of a file have it: ids that
// are all the same say nothing of a row.
func (s *Server) FindAlike(ctx context.Context, q Alike) (map[string]Identified, []Common, error) {
	files, names, err := s.identified(ctx, q)
	if err != nil || len(files) < 2 {
		return files, nil, err
	}
	from, args := q.from(s)
	columns := make([]string, len(q.Key))
	for i, c := range q.Key {
		columns[i] = quote(c)
	}
	rows, err := s.Conn().Query(s.Wide(ctx), "SELECT files, count() FROM (SELECT arraySort(groupUniqArray(cityHash64(_file))) AS files"+from+
		" GROUP BY sipHash64("+strings.Join(columns, ", ")+") HAVING length(files) > 1) GROUP BY files", args...)
	if err != nil {
		return nil, nil, fmt.Errorf("comparing files of %s: %w", q.Scope.Table(), err)
	}
	defer rows.Close()
	var common []Common
	for rows.Next() {
		var hashes []uint64
		var c Common
		if err := rows.Scan(&hashes, &c.Keys); err != nil {
			return nil, nil, fmt.Errorf("comparing files of %s: %w", q.Scope.Table(), err)
		}
		for _, h := range hashes {
			c.Files = append(c.Files, names[h])
		}
		common = append(common, c)
	}
	return files, common, rows.Err()
}

// identified counts the files' rows, and returns their names by hash as well.
func (s *Server) identified(ctx context.Context, q Alike) (map[string]Identified, map[uint64]string, error) {
	from, args := q.from(s)
	rows, err := s.Conn().Query(s.Wide(ctx), "SELECT toString(_file), cityHash64(_file), count(), min(_loaded_at)"+from+" GROUP BY _file", args...)
	if err != nil {
		return nil, nil, fmt.Errorf("comparing files of %s: %w", q.Scope.Table(), err)
	}
	defer rows.Close()
	files, names := make(map[string]Identified), make(map[uint64]string)
	for rows.Next() {
		var name string
		var hash uint64
		var i Identified
		if err := rows.Scan(&name, &hash, &i.Rows, &i.Loaded); err != nil {
			return nil, nil, fmt.Errorf("comparing files of %s: %w", q.Scope.Table(), err)
		}
		files[name], names[hash] = i, name
	}
	return files, names, rows.Err()
}

// from is the part of a statement that picks the rows, and its bound values.
func (q Alike) from(s *Server) (string, []any) {
	where, args := q.Scope.where()
	hours := make([]int64, len(q.Hours))
	for i, h := range q.Hours {
		hours[i] = h.Unix()
	}
	// The column may have got another type.
	where += " AND toUnixTimestamp(_hour) IN ? AND toString(transaction_id) != ''" //guard:no-id-no-overlap
	args = append(args, hours)
	if q.OneOf > 1 {
		where += " AND cityHash64(transaction_id) % ? = 0"
		args = append(args, q.OneOf)
	}
	return " FROM " + s.TableName(q.Scope.Table()) + " WHERE " + where, args
}
