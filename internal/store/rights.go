package store

import (
	"context"
	"errors"
	"maps"
)

// User is the name by which this program is known to the server.
func (s *Server) User() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.native.User
}

// MissingRights are those on the database that the commands need and the user does not
// have; of a server too old to be asked they are none.
func (s *Server) MissingRights(ctx context.Context) ([]string, error) {
	return s.missing(ctx, s.shape().rights)
}

// MissingToAsk are those that the user lacks, of a cluster's server, on the database in which
// people ask.
func (s *Server) MissingToAsk(ctx context.Context) ([]string, error) {
	f := s.asked()
	return f.missing(ctx, f.shape().rights)
}

// MissingForCopies are those that CopyTable and DropTable need.
func (s *Server) MissingForCopies(ctx context.Context) ([]string, error) {
	return s.missing(ctx, s.shape().rehearsal)
}

func (s *Server) missing(ctx context.Context, rights []string) ([]string, error) {
	var missing []string
	for _, right := range rights {
		var granted uint8
		if err := s.Conn().QueryRow(ctx, "CHECK GRANT "+right+" ON "+quote(s.Database())+".*").Scan(&granted); err != nil {
			const syntaxError = 62
			if code(err) == syntaxError {
				return nil, nil
			}
			return nil, err
		}
		if granted == 0 {
			missing = append(missing, right)
		}
	}
	return missing, nil
}

// Pinned returns the values of all settings that loading relies on, and which of them
// the server has and lets this user change. The caller owns the first.
func (s *Server) Pinned() (values map[string]string, known map[string]bool) {
	values = map[string]string{}
	for _, m := range []map[string]string{everySetting, s.shape().settings, limitSetting, insertSetting, streamSetting} {
		maps.Copy(values, m)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return values, s.profile.known
}

// Transport says how statements reach a server; an embedded one has no addresses.
func (s *Server) Transport() (addrs []string, encrypted, verified bool) {
	t := s.target
	return t.addrs, t.tls != nil, t.tls != nil && !t.tls.InsecureSkipVerify
}

// DialMany makes as many connections at once as the store may ever have, drops them and
// returns their number. An error means that they do not all lead to the one server.
func (s *Server) DialMany(ctx context.Context) (int, error) {
	s.mu.RLock()
	addr, conn := s.native.Address, s.conn
	s.mu.RUnlock()
	many := newPool(conn.options, s.greeting(addr))
	return mostConns, errors.Join(many.fill(ctx, mostConns), many.Close())
}
