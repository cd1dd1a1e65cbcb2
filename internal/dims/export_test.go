package dims

// ConversionEntity is what conversion_updates holds.
func ConversionEntity() Entity { return conversions() }
