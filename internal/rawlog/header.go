package rawlog

import "strings"

// Header gives one spelling to names of a header that mean the same column. The
// network writes the underscore before a final number in one year and leaves it out
// in another, and its Conversion entity calls a few things otherwise than raw logs do.
func Header(name string) string {
	if name == "ad_id" {
		return "transaction_id"
	}
	if n, ok := strings.CutPrefix(name, "affiliate_info"); ok {
		name = "affiliate_sub" + n
	}
	digits := len(name)
	for digits > 0 && name[digits-1] >= '0' && name[digits-1] <= '9' {
		digits--
	}
	if digits == len(name) || digits == 0 || name[digits-1] != '_' {
		return name
	}
	return name[:digits-1] + name[digits:]
}
