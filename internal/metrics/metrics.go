// Package metrics prints what the store's view ingest_metrics says, as Prometheus reads
// it: to a stream, or to a file for node_exporter. The numbers are the view's; nothing is
// counted here.
package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rawlogs/internal/store"
	"rawlogs/internal/whole"
)

// Write writes the metrics of all networks in the store as exposition text. It only reads.
func Write(ctx context.Context, st *store.Store, w io.Writer) error {
	rows, err := st.Conn().Query(ctx, "SELECT name, type, help, labels, value FROM "+st.TableName("ingest_metrics"))
	if err != nil {
		return fmt.Errorf("reading the metrics: %w", err)
	}
	defer rows.Close()
	var text bytes.Buffer
	last := ""
	for rows.Next() {
		var name, typ, help string
		var labels map[string]string
		var value float64
		if err = rows.Scan(&name, &typ, &help, &labels, &value); err != nil {
			return fmt.Errorf("reading the metrics: %w", err)
		}
		if name != last {
			fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", name, escape(help), name, typ)
			last = name
		}
		text.WriteString(name)
		between := "{"
		for _, label := range slices.Sorted(maps.Keys(labels)) {
			fmt.Fprintf(&text, `%s%s="%s"`, between, label, strings.ReplaceAll(escape(labels[label]), `"`, `\"`))
			between = ","
		}
		if between == "," {
			text.WriteString("}")
		}
		text.WriteString(" " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
	}
	if err = rows.Err(); err != nil {
		return fmt.Errorf("reading the metrics: %w", err)
	}
	_, err = w.Write(text.Bytes())
	return err
}

// escape writes text as the exposition format has it outside of quotes.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text) //guard:label-escaped
}

// FileName is the name of a text file in node_exporter's folder.
const FileName = "ingest.prom"

// WriteFile writes the metrics to FileName in a folder, readable by everybody: whoever
// reads it meanwhile sees the former file or this one, whole.
func WriteFile(ctx context.Context, st *store.Store, dir string) error {
	return whole.Write(filepath.Join(dir, FileName), 0o644, func(f *os.File) error { // node_exporter reads *.prom
		return errors.Join(Write(ctx, st, f), f.Chmod(0o644)) // whatever the umask
	})
}
