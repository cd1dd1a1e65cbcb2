package report

// Words are a question as it is written on a command line.
type Words struct {
	As         string // whose report; "": the network's
	Fields     []string
	Groups     []string
	Filters    []string // FIELD OPERATOR VALUES
	HourOffset int
	Currency   string
	AnyField   bool // let names through that are not known here
}

// Question reads the words. An *UnknownError lists what exists.
func (w Words) Question() (Question, error) {
	q := Question{Fields: w.Fields, Groups: w.Groups, HourOffset: w.HourOffset, Currency: w.Currency, AnyField: w.AnyField}
	var err error
	if q.As, err = ParseAs(w.As); err != nil {
		return Question{}, err
	}
	for _, text := range w.Filters {
		f, err := ParseFilter(text)
		if err != nil {
			return q, err
		}
		q.Filters = append(q.Filters, f)
	}
	return q.Prepare()
}
