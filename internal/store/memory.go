package store

import "context"

// MemoryLimit is how many bytes the server lets one statement have: the least of its own
// limit and the profile's. 0 is no limit that it tells of; a server that takes a share of
// its machine's memory doesn't, nor one that is too old to be asked.
func (s *Store) MemoryLimit(ctx context.Context) uint64 {
	var least uint64
	err := s.Conn().QueryRow(ctx, `
		SELECT min(bytes) FROM
		(
			SELECT toUInt64OrZero(value) AS bytes FROM system.server_settings WHERE name = 'max_server_memory_usage'
			UNION ALL SELECT toUInt64(getSetting('max_memory_usage'))
			UNION ALL SELECT toUInt64(getSetting('max_memory_usage_for_user'))
		) WHERE bytes > 0`).Scan(&least)
	if err != nil {
		return 0 // what does not fit is halved
	}
	return least
}
