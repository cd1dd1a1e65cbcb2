package main

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// childRows is the argument that makes this program the row-API rival.
const childRows = "row-api"

// batchRows is the size of the row-API program's INSERTs.
const batchRows = 100_000

// rowAPIChild loads the ZIPs of a folder as a straightforward program does:
// archive/zip, encoding/csv, a value for each field, Append for each row.
func rowAPIChild(ctx context.Context, args []string) (err error) {
	if len(args) != 2 {
		return errors.New("row-api: want a store and a folder")
	}
	st, err := store.Open(ctx, store.Config{Spec: args[0]})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	cols, err := st.Columns(ctx, "clicks")
	if err != nil {
		return err
	}
	types := make(map[string]string)
	for _, c := range cols {
		types[c.Name] = c.Type
	}
	files, err := filepath.Glob(filepath.Join(args[1], "*", "*.zip"))
	if err != nil {
		return err
	}
	l := &rowLoader{st: st, types: types}
	for _, file := range files {
		if err := l.file(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return l.flush()
}

type rowLoader struct {
	st    *store.Store
	types map[string]string
	batch interface {
		Append(v ...any) error
		Rows() int
		Send() error
	}
}

func (l *rowLoader) flush() error {
	if l.batch == nil {
		return nil
	}
	err := l.batch.Send()
	l.batch = nil
	return err
}

func (l *rowLoader) file(ctx context.Context, path string) (err error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	entry, err := archive.File[0].Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entry.Close()) }()
	_, hour, err := rawlog.ParseName(filepath.Base(path))
	if err != nil {
		return err
	}
	text := csv.NewReader(entry)
	text.ReuseRecord = true
	names, err := text.Read()
	if err != nil {
		return err
	}
	header := strings.Join(names, ", ")
	var convert []func(string) (any, error)
	for _, name := range names {
		convert = append(convert, converter(l.types[name]))
	}
	values := make([]any, len(names)+2)
	values[len(names)], values[len(names)+1] = "bench", hour
	for {
		record, err := text.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if l.batch == nil {
			l.batch, err = l.st.Conn().PrepareBatch(ctx, "INSERT INTO clicks ("+header+", network, _hour)")
			if err != nil {
				return err
			}
		}
		for i, field := range record {
			if values[i], err = convert[i](field); err != nil {
				return err
			}
		}
		if err := l.batch.Append(values...); err != nil {
			return err
		}
		if l.batch.Rows() >= batchRows {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
}

// converter makes the value that clickhouse-go wants for a column's type.
func converter(typ string) func(string) (any, error) {
	switch {
	case typ == "UInt32":
		return func(s string) (any, error) {
			n, err := strconv.ParseUint(orZero(s), 10, 32)
			return uint32(n), err
		}
	case typ == "UInt8":
		return func(s string) (any, error) {
			n, err := strconv.ParseUint(orZero(s), 10, 8)
			return uint8(n), err
		}
	case strings.HasPrefix(typ, "Decimal"):
		return func(s string) (any, error) { return orZero(s), nil }
	case strings.HasPrefix(typ, "DateTime"):
		return func(s string) (any, error) { return time.Parse(time.DateTime, s) }
	case typ == "IPv6":
		return func(s string) (any, error) { return s, nil }
	}
	return func(s string) (any, error) { return strings.Clone(s), nil }
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
