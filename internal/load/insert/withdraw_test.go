package insert

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/testkit"
)

// claim is a lease that is held, or was lost without its run having noticed.
type claim struct{ condition string }

func (claim) Confirm(context.Context) error { return nil }

func (c claim) Fence() store.Fence { return store.Fence{Run: recovering, Condition: c.condition} }

const recovering, dead = "20260101t000000-00000a00", "20260101t000000-00000b00"

// What the ledger does not vouch for is deleted by the run that holds the lease; a run
// that lost it deletes nothing of another's.
func TestWithdrawalAsksForTheLease(t *testing.T) {
	t.Parallel()
	scope := store.Scope{Network: "acme", Type: rawlog.Clicks}
	ids, _ := IDs(dead)
	kept, orphan := ids.First, ids.First+1
	vouched := map[string][]uint64{"a": {kept}}
	for name, withdraw := range map[string]func(*Sender) error{
		"sweep": func(s *Sender) error {
			return s.Sweep(t.Context(), []store.Scope{scope}, []string{dead}, func(context.Context, rawlog.Type, []string) (map[string][]uint64, error) { return vouched, nil })
		},
		"retain": func(s *Sender) error {
			held, err := s.st.CountRows(t.Context(), scope, "a")
			if err == nil {
				_, err = s.Retain(t.Context(), scope, held, vouched)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := testkit.Database(t)
			count := func(id uint64) (n uint64) {
				if err := st.Conn().QueryRow(t.Context(), "SELECT count() FROM clicks WHERE _insert = ?", id).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			rows := "INSERT INTO " + st.Holding("clicks") + " (network, _file, _hour, _insert) SELECT 'acme', 'a', toDateTime('2016-09-30 20:00:00', 'UTC'), arrayJoin([?, ?]) FROM numbers(3)"
			if err := st.Conn().Exec(t.Context(), rows, kept, orphan); err != nil {
				t.Fatal(err)
			}
			patience := store.Patience{Store: st, Wait: time.Minute, Log: slog.New(slog.DiscardHandler)}
			if err := withdraw(NewSender(recovering, claim{"1 = 0"}, patience)); !errors.Is(err, store.ErrFenced) {
				t.Errorf("without the lease: %v", err)
			}
			if count(kept) != 3 || count(orphan) != 3 {
				t.Errorf("without the lease: %d and %d rows, want 3 and 3", count(kept), count(orphan))
			}
			if err := withdraw(NewSender(recovering, claim{"1 = 1"}, patience)); err != nil {
				t.Errorf("with the lease: %v", err)
			}
			if count(kept) != 3 || count(orphan) != 0 {
				t.Errorf("with the lease: %d and %d rows, want 3 and none", count(kept), count(orphan))
			}
		})
	}
}
