package convreport

import (
	"fmt"
	"strings"
)

// Of says whose conversions they are, for a partner's key.
func (s *Source) Of(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partner = id
}

// theirs returns an error where a partner's report has a row of somebody else: another
// partner's key was loaded under the same name, or the network shows what it should not.
func (s *Source) theirs(row []field) error {
	if s.Side == "" {
		return nil
	}
	id := valueOf(row, "Stat."+strings.ToLower(s.Side)+"_id")
	if id == "" || id == "0" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.partner == "" {
		s.partner = id
	}
	if s.partner != id { //guard:partner-alone
		side := strings.ToLower(s.Side)
		return fmt.Errorf("the answer has a row of %s %.20q, and the rows before are those of %s %s: keep the reports of two %ss in stores of their own", side, id, side, s.partner, side)
	}
	return nil
}
