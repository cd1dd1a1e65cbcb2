package rawlog

import (
	"fmt"
	"slices"
	"strings"
)

// NotCounted are the words of access_control_decision whose rows a network logs and
// does not count in its reports. No list of such words is public. The zero NotCounted
// is not known: it is to be found out by comparing.
type NotCounted struct {
	Known bool
	Words []string // none: every row is counted
}

// The words for what cannot be written plainly.
const (
	wordLearn = "learn"   // not known
	wordNone  = "none"    // every row is counted
	wordEmpty = "(empty)" // the word of rows that have none
)

// ParseNotCounted reads words with commas between them, none, or learn; "" is learn.
func ParseNotCounted(text string) (NotCounted, error) {
	switch strings.TrimSpace(text) {
	case "", wordLearn:
		return NotCounted{}, nil
	case wordNone:
		return NotCounted{Known: true}, nil
	}
	out := NotCounted{Known: true}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch word {
		case "":
			return NotCounted{}, fmt.Errorf("%q: a word is missing: want those of access_control_decision that the network does not count, with commas between them, "+
				"as in deny,blocked; %s is the empty one", text, wordEmpty)
		case wordEmpty:
			word = ""
		}
		if !slices.Contains(out.Words, word) {
			out.Words = append(out.Words, word)
		}
	}
	return out, nil
}

// String is the text that ParseNotCounted reads.
func (n NotCounted) String() string {
	switch {
	case !n.Known:
		return wordLearn
	case len(n.Words) == 0:
		return wordNone
	}
	words := slices.Clone(n.Words)
	for i, word := range words {
		if word == "" {
			words[i] = wordEmpty
		}
	}
	return strings.Join(words, ",")
}

// Has reports whether rows with that word are known not to be counted.
func (n NotCounted) Has(word string) bool { return n.Known && slices.Contains(n.Words, word) }
