package records

// Signs are the fields of a header by which a record under it is known to be a row,
// rather than another header, a total or what a tool wrote in between.
type Signs struct {
	Time  int   // feeds the time, or -1
	IDs   []int // feed the ids of which a row has at least one
	Typed []int // feed columns of other types than texts
}
