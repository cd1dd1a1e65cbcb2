package main

import (
	"fmt"
	"strings"
)

// notesOf cuts a version's part out of a changelog: what stands between its heading,
// "## [1.2.3] - 2026-11-27", and the next one.
func notesOf(changelog, version string) (string, error) {
	var notes strings.Builder
	found := false
	for line := range strings.Lines(changelog) {
		if strings.HasPrefix(line, "## ") {
			if found {
				break
			}
			found = strings.HasPrefix(line, "## ["+version+"]")
			continue
		}
		if found {
			notes.WriteString(line)
		}
	}
	text := strings.TrimSpace(notes.String())
	switch {
	case !found:
		return "", fmt.Errorf("CHANGELOG.md has no heading ## [%s]", version)
	case text == "":
		return "", fmt.Errorf("CHANGELOG.md says nothing about %s", version)
	}
	return text + "\n", nil
}
