package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/disk"
	"rawlogs/internal/engine"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/store/check"
)

// Finding is the outcome of one check. Its JSON names are a promise.
type Finding struct {
	Level  string `json:"level"` // ok, warn or fail
	What   string `json:"what"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Check tests the settings, the API, the storage and the store, one after the other,
// and hands each outcome to tell, whose error ends it.
func (s *Session) Check(ctx context.Context, tell func(Finding) error) error {
	for _, check := range []func(context.Context) []Finding{s.checkZone, s.checkRisks, s.checkNotify, s.checkSpool, s.checkAPI, s.checkStorage, s.checkStore} {
		for _, f := range check(ctx) {
			if err := tell(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckSource tests what the files are read by: the API where it is asked, and the storage.
func (s *Session) CheckSource(ctx context.Context) []Finding {
	return append(s.checkAPI(ctx), s.checkStorage(ctx)...)
}

// CheckStore tests what the rows go to.
func (s *Session) CheckStore(ctx context.Context) []Finding { return s.checkStore(ctx) }

func failure(what string, err error) []Finding {
	var hint string
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		hint = hinted.Hint()
	}
	return []Finding{{Level: "fail", What: what, Detail: err.Error(), Hint: hint}}
}

func (s *Session) checkZone(context.Context) []Finding {
	return []Finding{{Level: "ok", What: "time zone", Detail: fmt.Sprintf("%s (%s), where it is %s now",
		s.Config.Zones, s.Config.Origin("timezone"), time.Now().In(s.Config.Zones.Now()).Format("15:04 -0700"))}}
}

func (s *Session) checkRisks(context.Context) []Finding {
	var found []Finding
	for _, risk := range s.Config.Risks {
		found = append(found, Finding{Level: "warn", What: "settings", Detail: risk})
	}
	return found
}

// fewBytes is less than the spool should have: one archive of an hour is rarely
// larger, and as many are spooled at a time as there are fetchers.
const fewBytes = 1 << 30

// checkSpool looks at the folder that large downloads go to.
func (s *Session) checkSpool(context.Context) []Finding {
	const what = "spool"
	dir := cmp.Or(s.Config.Spool, os.TempDir())
	space, err := disk.Of(dir)
	if err != nil {
		return []Finding{{Level: "fail", What: what, Detail: err.Error(), Hint: "name a folder that you may write to with --spool or INGEST_SPOOL"}}
	}
	f := Finding{Level: "ok", What: what, Detail: dir + " takes files"}
	if space.Known {
		f.Detail = fmt.Sprintf("%s has %s free", dir, humanize.IBytes(space.Free))
	}
	switch {
	case space.Memory: //guard:spool-in-memory
		f.Level, f.Hint = "warn", "it is in memory, so large downloads use memory beyond --max-memory: choose a folder on a disk with --spool or INGEST_SPOOL"
	case space.Known && space.Free < fewBytes:
		f.Level, f.Hint = "warn", fmt.Sprintf("large downloads wait here, %d at a time (--fetchers): name a folder with more room with --spool or INGEST_SPOOL", s.Config.Fetchers)
	}
	return []Finding{f}
}

// checkFence looks at what SQL on an embedded store may reach.
func checkFence(st *store.Store) []Finding {
	if _, embedded := st.Engine(); !embedded {
		return nil
	}
	if err := engine.Unfenced(); err != nil {
		return []Finding{{Level: "warn", What: "engine", Detail: err.Error(), Hint: "share a password of the store only with people who may read your files"}}
	}
	return []Finding{{Level: "ok", What: "engine", Detail: "the kernel keeps SQL to the store's own files"}}
}

// checkAPI calls the one method that lists nothing.
func (s *Session) checkAPI(ctx context.Context) []Finding {
	if s.Config.Source.Kind != config.API {
		return nil
	}
	if err := s.Config.RequireSource(); err != nil {
		return failure("api", err)
	}
	if s.Config.ReportOnly { //guard:report-only-checked
		return s.checkReport(ctx)
	}
	src, err := s.Source()
	if err != nil {
		return failure("api", err)
	}
	keep, err := src.Retention(ctx)
	if err != nil {
		return failure("api", err)
	}
	var kept []string
	for _, t := range rawlog.Types() {
		if days, ok := keep[t]; ok {
			kept = append(kept, fmt.Sprintf("%s %d", t, days))
		}
	}
	found := []Finding{{Level: "ok", What: "api", Detail: fmt.Sprintf("network %s accepts the token; days for which it keeps files: %s",
		s.Config.Network, strings.Join(kept, ", "))}}
	return append(found, s.checkTypes(ctx)...)
}

// checkTypes asks for each log type whether the API lists it.
func (s *Session) checkTypes(ctx context.Context) []Finding {
	const what = "log types"
	client, err := s.API()
	if err != nil {
		return failure(what, err)
	}
	refused, err := hoapi.New(hoapi.Config{Client: client}).Refused(ctx, rawlog.Types())
	if err != nil {
		return failure(what, err)
	}
	var found []Finding
	for _, t := range refused {
		found = append(found, Finding{Level: "warn", What: what, Detail: fmt.Sprintf("the API does not list %s: %v", t.Type, t.Err),
			Hint: "a load without --type reports this each time; --type names the types to load"})
	}
	if len(refused) == 0 {
		found = append(found, Finding{Level: "ok", What: what, Detail: "the API lists clicks, conversions and impressions"})
	}
	return found
}

// checkStorage lists until the first file and reads one byte of it: listing
// and reading are different permissions, often on different hosts.
func (s *Session) checkStorage(ctx context.Context) []Finding {
	const what = "storage"
	if s.Config.RequireSource() != nil || s.Config.ReportOnly {
		return nil // checkAPI has said it
	}
	src, err := s.Source()
	if err != nil {
		return failure(what, err)
	}
	first, err := dirs.First(ctx, src)
	var part *dirs.Incomplete
	if err != nil && !errors.As(err, &part) {
		return failure(what, err)
	}
	names := s.checkNames(ctx, src)
	if part != nil && len(part.Files) > 0 && len(names) == 0 {
		return failure(what, part)
	}
	if first == nil {
		return append([]Finding{{Level: "fail", What: what, Detail: s.Config.Source.String() + " lists no raw log",
			Hint: "names look like clicks-1473411600-SlY9UO.zip, in folders of any depth"}}, names...)
	}
	if err := readByte(ctx, src, *first); err != nil {
		return append(failure(what, fmt.Errorf("%s %s: %w", first.Type, plain.Text(first.Name), err)), names...)
	}
	return append([]Finding{{Level: "ok", What: what,
		Detail: fmt.Sprintf("%s lists files; read a byte of %s %s", s.Config.Source, first.Type, plain.Text(first.Name))}}, names...)
}

func readByte(ctx context.Context, src dirs.Source, f rawlog.File) (err error) {
	body, err := src.Open(ctx, f, 0, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	_, err = io.ReadFull(body, make([]byte, 1))
	return err
}

// checkAbsent looks at what an embedded store needs to be made by the first load.
func (s *Session) checkAbsent(none *AbsentError) []Finding {
	if _, err := engine.FindLibrary(s.Config.Library); err != nil {
		return failure("store", err)
	}
	if path, embedded := store.Folder(s.Config.Store); embedded {
		if err := engine.Rehearse(path); err != nil { //guard:store-rehearsed
			return failure("store", err)
		}
	}
	return []Finding{{Level: "warn", What: "store", Detail: none.Error(), Hint: none.Hint()}}
}

func (s *Session) checkStore(ctx context.Context) (found []Finding) {
	st, err := s.Open(ctx, store.Config{Existing: true})
	var none *AbsentError
	if errors.As(err, &none) {
		return s.checkAbsent(none)
	}
	if err != nil {
		return failure("store", err)
	}
	found = append(found, checkFence(st)...)
	applied, err := st.Applied(ctx)
	if err != nil {
		return append(found, failure("store", err)...)
	}
	if !applied {
		found = append(found, Finding{Level: "warn", What: "tables", Detail: st.Name() + " has none of ingest's tables yet", Hint: "the first load makes them, or `ingest schema apply`"})
	}
	for _, f := range check.Run(ctx, st) {
		if strings.HasPrefix(f.What, "table ") && !applied {
			continue
		}
		found = append(found, Finding{Level: fmt.Sprint(f.Level), What: f.What, Detail: f.Detail, Hint: f.Hint})
	}
	if applied && st.Current(ctx) == nil {
		found = append(append(found, s.checkFilled(ctx, st)...), s.checkPrivacy(ctx, st)...)
	}
	return found
}

// checkFilled names the columns that no file has filled: what the network calls them may
// be in _rescued under another name.
func (s *Session) checkFilled(ctx context.Context, st *store.Store) (found []Finding) {
	unfilled, err := checkpoint.Open(st, s.Config.Network).Unfilled(ctx, rawlog.Types())
	if err != nil {
		return failure("columns", err)
	}
	for _, u := range unfilled {
		f := Finding{Level: "ok", What: "columns", Detail: u.String()}
		if vital := u.Vital(); len(vital.Columns) > 0 {
			f.Level, f.Detail, f.Hint = "warn", vital.String(), "if the network's headers have another name for it, `ingest schema drift` shows it"
		}
		found = append(found, f)
	}
	return found
}
