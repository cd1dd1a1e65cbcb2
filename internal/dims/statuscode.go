package dims

// statusCode is a code of conversions.status_code and what the vendor calls it.
type statusCode struct {
	code int
	name string
}

// statusCodes are the vendor's, of the status that a conversion had when it was created.
// No method lists them.
func statusCodes() []statusCode {
	codes := []statusCode{
		{11, "known proxy"}, {12, "duplicate"}, {13, "no referral URL"}, {14, "IP not whitelisted"}, {15, "wrong protocol"},
		{16, "pixel loop"}, {17, "daily cap"}, {18, "duplicate by unique id"}, {19, "bad security token"},
		{21, "employee test"}, {22, "affiliate test"}, {23, "debug"}, {31, "approval enabled"},
		{41, "client cookie"}, {42, "server cookie"}, {43, "server postback"}, {51, "RingRevenue"}, {52, "adjustment"},
	}
	for code := 61; code <= 65; code++ {
		codes = append(codes, statusCode{code, "offer cap"})
	}
	for code := 81; code <= 85; code++ {
		codes = append(codes, statusCode{code, "affiliate cap"})
	}
	return append(codes, statusCode{99, "custom"}, statusCode{100, "upload"}, statusCode{101, "upload"})
}
