package records

// Signs are the fields of a header by which a record under it is known to be a row,
// rather than another header, a total or what a tool wrote in between.
type Signs struct {
	// Lead is a field in which nearly every row has a number or a time, so that a look at
	// it is enough: the first of Times and IDs, or -1.
	Lead  int
	Typed []int // feed columns of other types than texts
}
