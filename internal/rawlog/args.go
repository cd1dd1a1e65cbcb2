package rawlog

import (
	"errors"
	"fmt"
	"strings"
)

// SplitFiles parts the words that are names of files from those that are not: a name
// has a / or the end of a format.
func SplitFiles(words []string) (files, rest []string) {
	for _, word := range words {
		if _, _, ok := CutFormat(word); ok || strings.Contains(word, "/") {
			files = append(files, word)
		} else {
			rest = append(rest, word)
		}
	}
	return files, rest
}

// Check refuses what cannot be the name of a file, whatever the source has.
func (n *Names) Check(files []string) error {
	for _, file := range files {
		if _, _, ok := CutFormat(file); IsEvents(file) || IsReport(file) || !ok && len(n.Patterns()) > 0 {
			continue // as the ledger has it
		}
		if _, _, err := n.File(file); err != nil && !errors.Is(err, ErrMisplaced) {
			return fmt.Errorf("%q: %w", file, err)
		}
	}
	return nil
}
