package dims

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"rawlogs/internal/store"
)

// dictionary is how an entity is asked by id: its name, and the view's columns.
func (e Entity) dictionary(st *store.Store, start string) store.Dictionary {
	columns := []store.Column{{Name: "network", Type: "String"}}
	key := e.Key
	if key == "" {
		key = "id"
		columns = append(columns, store.Column{Name: "id", Type: "UInt64"})
	} else {
		columns = append(columns, store.Column{Name: key, Type: "String"}, store.Column{Name: "id", Type: "UInt64"})
	}
	for _, f := range e.Fields {
		if f.Name == key {
			continue
		}
		kind := f.Kind
		if kind == Word {
			kind = Text // attributes cannot be LowCardinality
		}
		columns = append(columns, store.Column{Name: f.Name, Type: kind.Type()})
	}
	exprs := make([]string, len(columns))
	for i, c := range columns {
		exprs[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", c.Name, c.Type, c.Name)
	}
	d := store.Dictionary{
		Name: e.Name, Columns: columns, Keys: 2,
		Query: "SELECT " + strings.Join(exprs, ", ") + " FROM " + st.TableName(e.Table+"_current"),
	}
	sum := sha256.Sum256([]byte(d.Query + "\x00" + start))
	d.Comment = store.DictionaryComment(key, hex.EncodeToString(sum[:6]))
	return d
}

// PutDictionaries makes the dictionaries of all entities, so that a name is one
// word away: dictGet('offers', 'name', (network, offer_id)). It returns the
// names for which the server allows a view only, and those that belong to
// something that ingest did not make, which stays.
func PutDictionaries(ctx context.Context, st *store.Store) (views []string, taken []*store.TakenError, err error) {
	start := engineStart(ctx, st)
	for _, e := range Entities() {
		ok, err := st.PutDictionary(ctx, e.dictionary(st, start))
		var other *store.TakenError
		switch {
		case errors.As(err, &other):
			taken = append(taken, other)
		case err != nil:
			return views, taken, err
		case !ok:
			views = append(views, e.Name)
		}
	}
	return views, taken, nil
}

// RenewDictionaries puts dictionaries right that an embedded engine could not
// load any more: its password is another one after each start. It does nothing
// where there are none, or where they are of this start.
func RenewDictionaries(ctx context.Context, st *store.Store) error {
	if _, embedded := st.Engine(); !embedded {
		return nil
	}
	have, err := st.Comments(ctx, "Dictionary")
	if err != nil || len(have) == 0 {
		return err
	}
	start := engineStart(ctx, st)
	for _, e := range Entities() {
		d := e.dictionary(st, start)
		if comment, ok := have[e.Name]; !ok || comment == d.Comment || !store.DictionaryMark(comment) { //guard:foreign-dictionary-at-open
			continue
		}
		if _, err := st.PutDictionary(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// engineStart names this start of the embedded engine; "" for a server, whose
// password stays.
func engineStart(ctx context.Context, st *store.Store) string {
	if _, embedded := st.Engine(); !embedded {
		return ""
	}
	var start string
	if err := st.Conn().QueryRow(ctx, "SELECT getMacro('engine_start')").Scan(&start); err != nil {
		return "unknown" // then each run renews them, which is slower and right
	}
	return start
}
