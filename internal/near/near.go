// Package near finds names that are nearly another one.
package near

import (
	"bytes"
	"slices"
	"strings"
)

// Distance is Levenshtein's: how many letters it takes to be put in, left out or
// replaced to make b of a.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Swapped reports whether a and b differ by letters that changed places and nothing else.
func Swapped(a, b string) bool {
	if len(a) != len(b) || Distance(a, b) > 2 {
		return false
	}
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return bytes.Equal(x, y)
}

// Of returns the one of the known names that name most likely stands for, or "": letters
// apart, spelt in another way (maxMemory, max-memory), or only its beginning. Of two that
// are as near, the first counts.
func Of(name string, known []string) string {
	best, least := "", min((len(name)+2)/3, 3)+1
	for _, k := range known {
		d := Distance(spelling(name), spelling(k))
		if len(name) >= 4 && strings.HasPrefix(spelling(k), spelling(name)) || Swapped(spelling(name), spelling(k)) {
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// spelling is a name without what differs from habit to habit.
func spelling(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}
