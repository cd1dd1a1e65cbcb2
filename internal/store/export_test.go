package store

// RetryableCodes are the codes and names that tests compare with the server's.
func RetryableCodes() map[int32]string { return retryableCodes }

// ServedEngine is what Loadable and Check go by.
func ServedEngine(table, engine string) Finding { return single.servedEngine(table, engine) }

// Engines fills the schema as this store does.
func Engines() map[string]string { return single.clauses }
