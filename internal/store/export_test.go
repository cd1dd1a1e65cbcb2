package store

// RetryableCodes are the codes and names that tests compare with the server's.
func RetryableCodes() map[int32]string { return retryableCodes }

// ServedEngine is what Loadable and Check go by.
func ServedEngine(table, engine string) Finding { return servedEngine(table, engine) }
