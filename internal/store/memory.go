package store

import "context"

// MemoryLimit is how many bytes of memory a statement may take: the lower of the server's
// limit and the profile's. It is 0 if the server doesn't say, as one limited to a share of
// its machine's memory doesn't, nor one too old for the question.
func (s *Server) MemoryLimit(ctx context.Context) uint64 {
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
