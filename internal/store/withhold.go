package store

import (
	"context"
	"fmt"
	"strings"
)

// unquoted is SQL for a text without what it quotes, which may be values of a file.
func unquoted(text string) string {
	return "replaceRegexpAll(replaceRegexpAll(" + text + `, '"(?:[^"\\\\]|\\\\.)*"?', '"…"'), '(^|[^\\pL\\pN])''[^'']*''', '\\1''…''')`
}

// among is the condition that a text holds one of the values that are wanted, plain or packed
// into a link.
func among(text string) string {
	forms := "lower(" + text + ")"
	link := forms
	for range deepest - 1 {
		link = "lower(decodeURLComponent(" + link + "))"
		forms += ", " + link
	}
	return "arrayExists(v -> arrayExists(t -> position(t, v) > 0, [" + forms + "]), (SELECT groupArray(v) FROM people))"
}

// withheld is what stands for the text of a line.
const withheld = "bytes, withheld as somebody was forgotten)"

// withholdRejected replaces the text of rejected lines of a type that hold a wanted value by
// its length, and returns how many lines those were. Other lines, and how many there are, stay.
func (s *Server) withholdRejected(ctx context.Context, c Scope, w Wanted, fence Fence, dry bool) (lines int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("withholding lines of %s: %w", c.Table(), err)
		}
	}()
	where, args := c.where()
	for try := 0; ; try++ {
		found, err := s.wanted(ctx, w, "SELECT toString(file), line FROM "+s.Holding(c.Table())+" WHERE "+where+
			" GROUP BY file, line HAVING "+among("concat(arrayStringConcat(arrayMap(p -> p.2, arraySort(groupArray((piece, raw))))), '\\n', any(toString(reason)))"), args...)
		if err != nil {
			return lines, err
		}
		var places []Place
		for found.Next() {
			var p Place
			if err := found.Scan(&p.File, &p.Line); err != nil {
				found.Close()
				return lines, err
			}
			places = append(places, p)
		}
		found.Close()
		if err := found.Err(); err != nil || len(places) == 0 || dry {
			return max(lines, len(places)), err
		}
		lines = max(lines, len(places))
		if try == deleteTries {
			return lines, fmt.Errorf("%d lines still have a value after %d tries", len(places), try)
		}
		for chunk := range chunks(places, func(p Place) int { return 2 * len(p.File) }) {
			terms, bound := make([]string, len(chunk)), append([]any{}, args...)
			for i, p := range chunk {
				terms[i] = "(?, ?)"
				bound = append(bound, p.File, p.Line)
			}
			err := s.rewriteRows(ctx, c.Table(), "raw = concat('(', toString(length(raw)), ' "+withheld+"'), reason = "+unquoted("toString(reason)"),
				where+" AND (file, line) IN ("+strings.Join(terms, ", ")+") AND NOT endsWith(raw, '"+withheld+"')", fence, bound...)
			if err != nil {
				return lines, err
			}
		}
	}
}

// WithholdTexts takes what is quoted out of what the ledger says of files, in all versions, and
// wanted values with their whole text out of the list of runs. Files are by log type.
func (s *Server) WithholdTexts(ctx context.Context, network string, w Wanted, files map[string][]string, fence Fence) error {
	texts := "concat(error, '\\n', arrayStringConcat(issue_texts, '\\n'), '\\n', ignored)"
	found, err := s.wanted(ctx, w, "SELECT DISTINCT toString(log_type), file FROM "+s.Holding("ingest_files")+" WHERE network = ? AND "+among(texts), network)
	if err != nil {
		return fmt.Errorf("looking for people in the ledger: %w", err)
	}
	defer found.Close()
	of := make(map[string][]string)
	for typ, names := range files {
		of[typ] = append(of[typ], names...)
	}
	for found.Next() {
		var typ, name string
		if err := found.Scan(&typ, &name); err != nil {
			return err
		}
		of[typ] = append(of[typ], name)
	}
	if err := found.Err(); err != nil {
		return err
	}
	for typ, names := range of {
		for chunk := range chunks(names, func(name string) int { return 2 * len(name) }) {
			err := s.rewriteRows(ctx, "ingest_files", "error = "+unquoted("error")+", issue_texts = arrayMap(x -> "+unquoted("x")+", issue_texts), ignored = "+unquoted("ignored"),
				"network = ? AND log_type = ? AND file IN ?", fence, network, typ, chunk)
			if err != nil {
				return fmt.Errorf("withholding texts of the ledger: %w", err)
			}
		}
	}
	return s.withholdRuns(ctx, w, fence)
}

func (s *Server) withholdRuns(ctx context.Context, w Wanted, fence Fence) error {
	found, err := s.wanted(ctx, w, "SELECT DISTINCT run FROM "+s.Holding("ingest_runs")+" WHERE "+among("concat(arguments, '\\n', error)"))
	if err != nil {
		return fmt.Errorf("looking for people in the list of runs: %w", err)
	}
	defer found.Close()
	var runs []string
	for found.Next() {
		var run string
		if err := found.Scan(&run); err != nil {
			return err
		}
		runs = append(runs, run)
	}
	if err := found.Err(); err != nil || len(runs) == 0 {
		return err
	}
	for chunk := range chunks(runs, func(run string) int { return len(run) }) {
		if err := s.rewriteRows(ctx, "ingest_runs", "arguments = '(withheld)', error = if(error = '', '', '(withheld)')", "run IN ?", fence, chunk); err != nil {
			return fmt.Errorf("withholding texts of the list of runs: %w", err)
		}
	}
	return nil
}

// rewriteRows changes rows in place while the lease is held.
func (s *Server) rewriteRows(ctx context.Context, table, sets, where string, fence Fence, args ...any) error {
	if fence.Condition != "" {
		where += " AND (" + fence.Condition + ")"
	}
	if err := s.awaitMutations(ctx, table); err != nil {
		return err
	}
	return s.Write(fence.Context(ctx), Op{Kind: "update", Detail: table}, func(ctx context.Context) error {
		return s.mutate(ctx, table, s.shape().update(s.Holding(table), sets, where), args...)
	})
}
