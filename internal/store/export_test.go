package store

// RetryableCodes are the codes and names that tests compare with the server's.
func RetryableCodes() map[int32]string { return retryableCodes }

// Engines fills the schema as this store does.
func Engines() map[string]string { return single.clauses }

// RowCodes are what RowsRefused goes by.
func RowCodes() map[int32]string { return rowCodes }

// Unbounded are the limits that we pin and do not say a lowest value for.
func Unbounded() (names []string) {
	for name := range limitSetting {
		if _, ok := bounds[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// Meant is how parameters of an address are told from settings.
func Meant(name string) string { return meant(name) }
