package rawlog

import (
	"fmt"
	"regexp"
)

// networkPattern keeps a network's id usable as a host label, a lease's key and
// a cell in a table.
var networkPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// CheckNetwork returns an error for what cannot be a network's id.
func CheckNetwork(id string) error {
	if !networkPattern.MatchString(id) {
		return fmt.Errorf("%q: want letters, digits, dots, dashes and underscores, a letter or digit first", id)
	}
	return nil
}
