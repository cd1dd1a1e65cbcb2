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
	return marked(d, "network, "+key, start)
}

// marked gives a dictionary the comment by which it is known as ours.
func marked(d store.Dictionary, keys, start string) store.Dictionary {
	sum := sha256.Sum256([]byte(d.Query + "\x00" + start))
	d.Comment = store.DictionaryComment(keys, hex.EncodeToString(sum[:6]))
	return d
}

// dictionaries are those of all entities, and those that are made of several or of none.
func dictionaries(st *store.Store, start string) []store.Dictionary {
	var all []store.Dictionary
	for _, e := range Entities() {
		all = append(all, e.dictionary(st, start))
	}
	// Goal 0 is the offer itself and has its name with the offer.
	goals := store.Dictionary{
		Name: "goal_names", Keys: 3,
		Columns: []store.Column{{Name: "network", Type: "String"}, {Name: "offer_id", Type: "UInt64"}, {Name: "goal_id", Type: "UInt64"}, {Name: "name", Type: "String"}},
		Query: "SELECT CAST(network AS String) AS network, offer_id, id AS goal_id, name FROM " + st.TableName("dim_goals_current") + " WHERE id != 0" +
			" UNION ALL SELECT CAST(network AS String) AS network, id AS offer_id, toUInt64(0) AS goal_id, default_goal_name AS name FROM " + st.TableName("dim_offers_current"),
	}
	var codes []string
	for _, c := range statusCodes() {
		codes = append(codes, fmt.Sprintf("(toUInt64(%d), '%s')", c.code, c.name))
	}
	status := store.Dictionary{
		Name: "status_codes", Keys: 1, Columns: []store.Column{{Name: "code", Type: "UInt64"}, {Name: "name", Type: "String"}},
		Query: "SELECT arrayJoin([" + strings.Join(codes, ", ") + "]) AS pair, pair.1 AS code, pair.2 AS name",
	}
	status.Query = "SELECT code, name FROM (" + status.Query + ")"
	return append(all, marked(goals, "network, offer_id, goal_id", start), marked(status, "code", start))
}

// PutDictionaries makes all dictionaries, so that a name is one
// word away: dictGet('offers', 'name', (network, offer_id)). It returns the
// names for which the server allows a view only, and those that belong to
// something that ingest did not make, which stays.
func PutDictionaries(ctx context.Context, st *store.Store) (views []string, taken []*store.TakenError, err error) {
	start := engineStart(ctx, st)
	for _, d := range dictionaries(st, start) {
		ok, err := st.PutDictionary(ctx, d)
		var other *store.TakenError
		switch {
		case errors.As(err, &other):
			taken = append(taken, other)
		case err != nil:
			return views, taken, err
		case !ok:
			views = append(views, d.Name)
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
	for _, d := range dictionaries(st, start) {
		if comment, ok := have[d.Name]; !ok || comment == d.Comment || !store.DictionaryMark(comment) { //guard:foreign-dictionary-at-open
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
