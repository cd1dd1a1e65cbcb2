package evolve

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/load"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Drifts is how the headers of files and the columns of tables have grown apart. Its
// JSON names are a promise.
type Drifts struct {
	Headers  []Drifted             `json:"headers"`
	Unused   []Unused              `json:"unused"`
	Unfilled []checkpoint.Unfilled `json:"unfilled"` // columns that no file of the network has ever filled
}

// FindDrifts lists them. unused is a number of days, for columns that got no value in
// them; 0 leaves those out, as they cost a read of every column. It changes nothing.
func FindDrifts(ctx context.Context, st *store.Store, network string, types []rawlog.Type, unused int) (Drifts, error) {
	d := Drifts{Unused: []Unused{}}
	var err error
	if d.Headers, err = Drift(ctx, st, types); err != nil {
		return d, err
	}
	if unused > 0 {
		if d.Unused, err = Silent(ctx, st, types, unused); err != nil {
			return d, err
		}
	}
	d.Unfilled, err = checkpoint.Open(st, network).Unfilled(ctx, types)
	return d, err
}

// Drifted is a header whose values are in _rescued.
type Drifted struct {
	Table   string    `json:"table"`
	Header  string    `json:"header"`
	Column  bool      `json:"column"` // there is a column; these values did not fit
	First   time.Time `json:"first"`  // hours of the files
	Last    time.Time `json:"last"`
	Rows    uint64    `json:"rows"`
	Files   uint64    `json:"files"`
	Example string    `json:"example"`
	Type    string    `json:"type,omitempty"` // that evolve would choose
}

// Drift lists what is in _rescued, by table and header. It changes nothing.
func Drift(ctx context.Context, st *store.Store, types []rawlog.Type) ([]Drifted, error) {
	out := []Drifted{}
	for _, typ := range types {
		columns, err := st.Columns(ctx, string(typ))
		if err != nil {
			return nil, err
		}
		headers, err := scan(ctx, st, string(typ))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", typ, err)
		}
		for _, h := range headers {
			layout := load.NewLayout(&load.Table{Name: string(typ), Columns: columns}, []string{strings.TrimSuffix(h.name, load.HexSuffix)})
			d := Drifted{Table: string(typ), Header: h.name, First: h.first.UTC(), Last: h.last.UTC(), Rows: h.rows, Files: h.files,
				Example: h.example, Column: len(layout.Unknown()) == 0}
			if !d.Column {
				d.Type = h.chooseType()
			}
			out = append(out, d)
		}
	}
	return out, nil
}

// Unused is a column that gets no values, or none any more.
type Unused struct {
	Table  string    `json:"table"`
	Column string    `json:"column"`
	Rows   uint64    `json:"rows"`   // with a value other than the type's default
	Last   time.Time `json:"last"`   // hour of the last file with one; zero: never
	Newest time.Time `json:"newest"` // hour of the table's last file
}

// Silent lists columns without a value in the last days of their table. It
// reads every column once.
func Silent(ctx context.Context, st *store.Store, types []rawlog.Type, days int) ([]Unused, error) {
	out := []Unused{}
	for _, typ := range types {
		columns, err := st.Columns(ctx, string(typ))
		if err != nil {
			return nil, err
		}
		var names, parts []string
		for _, c := range columns {
			if c.DefaultKind != "" || strings.HasPrefix(c.Name, "_") || c.Name == "network" {
				continue
			}
			set := schema.Identifier(c.Name) + " != defaultValueOfTypeName(" + schema.Literal(c.Type) + ")"
			names = append(names, c.Name)
			parts = append(parts, "tuple(countIf("+set+"), maxIf(_hour, "+set+"))")
		}
		if len(names) == 0 {
			continue
		}
		rows, err := st.Conn().Query(st.Wide(ctx), "SELECT newest, (arrayJoin(arrayZip(arrayEnumerate(cells), cells)) AS c).1, c.2.1, c.2.2 FROM"+
			" (SELECT max(_hour) AS newest, ["+strings.Join(parts, ", ")+"] AS cells FROM "+st.TableName(string(typ))+" HAVING count() > 0)")
		if err != nil {
			return nil, fmt.Errorf("%s: reading the columns: %w", typ, err)
		}
		for rows.Next() {
			var i uint32
			u := Unused{Table: string(typ)}
			if err = rows.Scan(&u.Newest, &i, &u.Rows, &u.Last); err != nil {
				_ = rows.Close()
				return nil, fmt.Errorf("%s: reading the columns: %w", typ, err)
			}
			u.Column, u.Newest, u.Last = names[i-1], u.Newest.UTC(), u.Last.UTC()
			if u.Rows == 0 {
				u.Last = time.Time{}
			}
			if u.Rows == 0 || u.Newest.Sub(u.Last) >= time.Duration(days)*24*time.Hour {
				out = append(out, u)
			}
		}
		err = rows.Err()
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, fmt.Errorf("%s: reading the columns: %w", typ, err)
		}
	}
	return out, nil
}
