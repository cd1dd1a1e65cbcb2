package checkpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"rawlogs/internal/privacy"
	"rawlogs/internal/store"
	"rawlogs/schema"
)

// Receipt says that a person is forgotten. It holds no value of theirs.
type Receipt struct {
	ID      string // the first of Hashes
	Kind    privacy.Kind
	Hashes  []string // see privacy.Policy.Receipt
	Key     string   // which key they were made with
	Done    bool     // no rows are left; loads obey it before, too
	Counts  map[string]uint64
	Asked   time.Time // by the store's clock; zero for one that is not written yet
	Version uint64
}

// Receipts returns a network's; none where the store has no table for them.
func Receipts(ctx context.Context, st *store.Store, network string) ([]Receipt, error) {
	rows, err := st.Conn().Query(ctx, "SELECT receipt, toString(kind), hashes, toString(key), state = 'done', counts, asked_at, version FROM "+
		st.TableName("ingest_forgotten")+" FINAL WHERE network = ? ORDER BY receipt", network)
	if store.NoTable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the receipts of people who were forgotten: %w", err)
	}
	defer rows.Close()
	var out []Receipt
	for rows.Next() {
		var r Receipt
		var kind string
		if err := rows.Scan(&r.ID, &kind, &r.Hashes, &r.Key, &r.Done, &r.Counts, &r.Asked, &r.Version); err != nil {
			return nil, fmt.Errorf("reading the receipts of people who were forgotten: %w", err)
		}
		r.Kind = privacy.Kind(kind)
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the receipts of people who were forgotten: %w", err)
	}
	return out, nil
}

// OtherKeyError is of receipts that cannot be obeyed, as the key that they were made with is
// not at hand.
type OtherKeyError struct {
	Network  string
	Receipts int
	Key, Has string
}

// Error says which key is wanted.
func (e *OtherKeyError) Error() string {
	has := "none is set"
	if e.Has != "" {
		has = "that of the settings is " + e.Has
	}
	return fmt.Sprintf("network %s: people were forgotten under the privacy key %s (%d receipts), and %s: nothing is loaded, as they would come back", e.Network, e.Key, e.Receipts, has)
}

// Hint says what to do.
func (e *OtherKeyError) Hint() string {
	return "set that key by privacy_key_file or INGEST_PRIVACY_KEY_FILE; it is not stored anywhere else (docs/privacy.md)"
}

// Obeying is the policy of a load, which keeps out of the store whoever was forgotten. It is
// asked for under the lease: what is forgotten later waits for the load's end.
func Obeying(ctx context.Context, st *store.Store, network string, policy *privacy.Policy) (*privacy.Policy, error) {
	receipts, err := Receipts(ctx, st, network)
	if err != nil {
		return nil, err
	}
	hashes := make([][]string, len(receipts))
	for i, r := range receipts {
		hashes[i] = r.Hashes
		if r.Key != policy.KeyID() { //guard:forgotten-key
			others := slices.DeleteFunc(slices.Clone(receipts), func(o Receipt) bool { return o.Key != r.Key })
			return nil, &OtherKeyError{network, len(others), r.Key, policy.KeyID()}
		}
	}
	return policy.Obeying(hashes)
}

// PutReceipts writes the receipts' versions, under the ledger's fence; it may be repeated.
func (l *Ledger) PutReceipts(ctx context.Context, run string, receipts []*Receipt) error {
	for chunk := range slices.Chunk(receipts, 1000) {
		if err := l.putReceipts(ctx, run, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) putReceipts(ctx context.Context, run string, receipts []*Receipt) error {
	names := []string{"receipt", "kind", "hashes", "key", "state", "counts", "asked_at", "version"}
	op := store.Op{Kind: "receipt", Detail: fmt.Sprintf("×%d", len(receipts))}
	err := l.st.Write(ctx, op, func(ctx context.Context) error {
		table, err := ext.NewTable("receipts", ext.Column("receipt", "String"), ext.Column("kind", "String"), ext.Column("hashes", "Array(String)"), ext.Column("key", "String"),
			ext.Column("state", "String"), ext.Column("counts", "Map(String, UInt64)"), ext.Column("asked_at", "DateTime64(3, 'UTC')"), ext.Column("version", "UInt64"))
		if err != nil {
			return err
		}
		for _, r := range receipts {
			state, counts := "open", maps.Clone(r.Counts)
			if r.Done {
				state = "done"
			}
			if counts == nil {
				counts = map[string]uint64{}
			}
			if err := table.Append(r.ID, string(r.Kind), r.Hashes, r.Key, state, counts, r.Asked, r.Version); err != nil {
				return err
			}
		}
		ctx = clickhouse.Context(l.fence.Context(l.st.InsertContext(ctx)), clickhouse.WithExternalTable(table))
		return store.Fenced(l.st.Conn().Exec(ctx, "INSERT INTO "+l.st.Holding("ingest_forgotten")+" (network, run, "+strings.Join(names, ", ")+
			") SELECT "+schema.Literal(l.network)+", "+schema.Literal(run)+", "+strings.Join(names, ", ")+" FROM receipts WHERE "+l.fence.Holding()))
	})
	if err != nil {
		return fmt.Errorf("writing the receipts of people who were forgotten: %w", err)
	}
	return nil
}
