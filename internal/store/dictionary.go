package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Dictionary is a table of names that SQL asks by key:
// dictGet('offers', 'name', (network, offer_id)), or JOIN offers.
type Dictionary struct {
	Name    string
	Columns []Column // key columns first
	Keys    int
	// Query gives its rows; it names columns only as Columns do.
	Query string
	// Comment is what its table's comment says: see DictionaryComment.
	Comment string
}

// PutDictionary makes or replaces a dictionary and loads it. The server reads
// the rows as the user of this connection, in an embedded store as its reader,
// whose password therefore stands in the dictionary's definition: on the
// server's disk in clear, as such definitions are, and [HIDDEN] in everything
// that SQL shows.
//
// Where the server does not let this user have dictionaries, a view of the same
// name takes its place: JOIN works with either. It returns whether it is a
// dictionary. What has the name and is not of our making stays: the error is
// then a *TakenError.
func (s *Server) PutDictionary(ctx context.Context, d Dictionary) (bool, error) {
	o, err := s.object(ctx, d.Name)
	if err != nil {
		return false, err
	}
	ours, err := s.made(ctx, d, o)
	if err != nil {
		return false, err
	}
	if !ours { //guard:foreign-dictionary
		return false, s.taken(d.Name, o)
	}
	if o.engine == "View" {
		if err := s.ddl(ctx, s.shape().dropView(d.Name, s.TableName(d.Name))); err != nil {
			return false, err
		}
	}
	if err := s.createDictionary(ctx, d); err == nil {
		return true, nil
	} else if ctx.Err() != nil || Retryable(err) {
		return false, err
	} else {
		s.cfg.Log.Debug("no dictionary, a view takes its place", "name", d.Name, "err", err)
	}
	return false, errors.Join(
		s.ddl(ctx, s.shape().dropDictionary(d.Name, s.TableName(d.Name))),
		s.ddl(ctx, s.shape().createView(d.Name, s.TableName(d.Name), d.Query, d.Comment)),
	)
}

// made reports whether PutDictionary made what has the name, or nothing has it.
// Views of earlier versions have no comment: those are known by their query.
func (s *Server) made(ctx context.Context, d Dictionary, o object) (bool, error) {
	switch {
	case o.engine == "":
		return true, nil
	case o.engine != "Dictionary" && o.engine != "View":
		return false, nil
	case DictionaryMark(o.comment):
		return true, nil
	case o.engine == "Dictionary" || o.comment != "":
		return false, nil
	}
	query, err := s.viewQuery(ctx, d.Name)
	if err != nil {
		return false, err
	}
	var same uint8
	err = s.Conn().QueryRow(ctx, "SELECT formatQuerySingleLine(?) = formatQuerySingleLine(?)", query, d.Query).Scan(&same)
	if err != nil && (ctx.Err() != nil || Retryable(err)) {
		return false, fmt.Errorf("looking at the view %s: %w", d.Name, err)
	}
	return err == nil && same == 1, nil
}

var dictionaryMark = regexp.MustCompile(`^Names by \([a-z_, ]+\), as they are now\. [0-9a-f]{12}$`)

// DictionaryComment is the comment of a dictionary by keys, such as "network, id"; state
// is what it was made from, 12 hexadecimal digits.
func DictionaryComment(keys, state string) string {
	return "Names by (" + keys + "), as they are now. " + state
}

// DictionaryMark reports whether a comment is one of DictionaryComment, now or in
// any earlier version.
func DictionaryMark(comment string) bool { return dictionaryMark.MatchString(comment) }

func (s *Server) createDictionary(ctx context.Context, d Dictionary) error {
	s.mu.RLock()
	user, password := s.native.User, s.native.Password
	if s.engine != nil { // its users can read its own files, this definition among them
		reader := s.engine.Endpoint().AsReader()
		user, password = reader.User, reader.Password //guard:dictionary-reader
	}
	s.mu.RUnlock()
	err := s.ddl(ctx, s.shape().createDictionary(d, s.TableName(d.Name), user, password))
	if err == nil {
		err = s.ddl(ctx, s.shape().reloadDictionary(d.Name, s.TableName(d.Name)))
	}
	if err != nil && password != "" && strings.Contains(err.Error(), password) {
		return errors.New(strings.ReplaceAll(err.Error(), password, "hidden"))
	}
	return err
}

// ReloadDictionaries makes dictionaries show what their tables hold now; names
// that are views need none of it.
func (s *Server) ReloadDictionaries(ctx context.Context, names []string) error {
	for _, name := range names {
		o, err := s.object(ctx, name)
		if err != nil {
			return err
		}
		if o.engine != "Dictionary" {
			continue
		}
		if err := s.ddl(ctx, s.shape().reloadDictionary(name, s.TableName(name))); err != nil {
			return fmt.Errorf("loading the dictionary %s: %w", name, err)
		}
	}
	return nil
}

// Comments are the comments of the database's tables of one engine, by name.
func (s *Server) Comments(ctx context.Context, engine string) (map[string]string, error) {
	rows, err := s.Conn().Query(ctx, "SELECT name, comment FROM system.tables WHERE database = ? AND engine = ?", s.Database(), engine)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	defer rows.Close()
	comments := map[string]string{}
	for rows.Next() {
		var name, comment string
		if err := rows.Scan(&name, &comment); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		comments[name] = comment
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	return comments, nil
}

// literal makes a string literal of any text.
func literal(s string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(s) + "'"
}
