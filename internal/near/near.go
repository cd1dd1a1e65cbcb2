// Package near finds names that are nearly another one.
package near

import (
	"bytes"
	"slices"
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
