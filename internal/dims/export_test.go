package dims

import "rawlogs/internal/store"

// ConversionEntity is what conversion_updates holds.
func ConversionEntity() Entity { return conversions() }

// DictionaryQuery is what an entity's dictionary reads.
func DictionaryQuery(e Entity, st *store.Store) string { return e.dictionary(st, "").Query }
