package main

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
	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/disk"
	"rawlogs/internal/engine"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
	"rawlogs/internal/term"
)

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "test the settings, the API credentials, the storage and the store, a line each",
		Example: `  ingest check
  ingest check --source s3://archive/raw-logs --json`,
		Long: exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachSource(cmd, func(ctx context.Context, cfg *config.Config) error {
				return a.runCheck(ctx, cfg)
			})
		},
	}
}

// finding is the outcome of one check. Its JSON names are a promise.
type finding struct {
	Level  string `json:"level"` // ok, warn or fail
	What   string `json:"what"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func (a *app) runCheck(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	var all []finding
	for _, check := range []func(context.Context, *config.Config) []finding{checkZone, checkRisks, checkSpool, a.checkAPI, a.checkStorage, a.checkStore} {
		found := check(ctx, cfg)
		all = append(all, found...)
		for _, f := range found {
			if err := a.printFinding(f); err != nil {
				return err
			}
		}
	}
	if a.json {
		if err := term.JSON(a.stdout, all); err != nil {
			return err
		}
	}
	fails := 0
	for _, f := range all {
		if f.Level == "fail" {
			fails++
		}
	}
	if fails > 0 {
		return fmt.Errorf("%s failed", term.Plural(fails, "check"))
	}
	return nil
}

func (a *app) printFinding(f finding) error {
	if a.json {
		return nil // printed together at the end
	}
	if _, err := fmt.Fprintf(a.stdout, "%-4s  %-12s  %s\n", plain.Text(f.Level), plain.Text(f.What), plain.Text(f.Detail)); err != nil {
		return err
	}
	if f.Hint != "" && f.Level != "ok" {
		_, err := fmt.Fprintf(a.stdout, "%20s%s\n", "", plain.Text(f.Hint))
		return err
	}
	return nil
}

func failure(what string, err error) []finding {
	return []finding{{Level: "fail", What: what, Detail: err.Error(), Hint: hintOf(err)}}
}

func checkZone(_ context.Context, cfg *config.Config) []finding {
	return []finding{{Level: "ok", What: "time zone", Detail: fmt.Sprintf("%s (%s), where it is %s now",
		cfg.Zone, cfg.Origin("timezone"), time.Now().In(cfg.Zone).Format("15:04 -0700"))}}
}

func checkRisks(_ context.Context, cfg *config.Config) []finding {
	var found []finding
	for _, risk := range cfg.Risks {
		found = append(found, finding{Level: "warn", What: "settings", Detail: risk})
	}
	return found
}

// fewBytes is less than the spool should have: one archive of an hour is rarely
// larger, and as many are spooled at a time as there are fetchers.
const fewBytes = 1 << 30

// checkSpool looks at the folder that large downloads go to.
func checkSpool(_ context.Context, cfg *config.Config) []finding {
	const what = "spool"
	dir := cmp.Or(cfg.Spool, os.TempDir())
	space, err := disk.Of(dir)
	if err != nil {
		return []finding{{Level: "fail", What: what, Detail: err.Error(), Hint: "name a folder that you may write to with --spool or INGEST_SPOOL"}}
	}
	f := finding{Level: "ok", What: what, Detail: dir + " takes files"}
	if space.Known {
		f.Detail = fmt.Sprintf("%s has %s free", dir, humanize.IBytes(space.Free))
	}
	switch {
	case space.Memory: //guard:spool-in-memory
		f.Level, f.Hint = "warn", "it lies in memory, so large downloads take memory beyond --max-memory: name a folder on a disk with --spool or INGEST_SPOOL"
	case space.Known && space.Free < fewBytes:
		f.Level, f.Hint = "warn", fmt.Sprintf("large downloads wait here, %d at a time (--fetchers): name a folder with more room with --spool or INGEST_SPOOL", cfg.Fetchers)
	}
	return []finding{f}
}

// checkFence looks at what SQL on an embedded store may reach.
func checkFence(st *store.Store) []finding {
	if _, embedded := st.Engine(); !embedded {
		return nil
	}
	if err := engine.Unfenced(); err != nil {
		return []finding{{Level: "warn", What: "engine", Detail: err.Error(), Hint: "give nobody a password of the store whom you would not let read your files"}}
	}
	return []finding{{Level: "ok", What: "engine", Detail: "the kernel keeps SQL to the store's own files"}}
}

// checkAPI calls the one method that lists nothing.
func (a *app) checkAPI(ctx context.Context, cfg *config.Config) []finding {
	if cfg.Source.Kind != config.API {
		return nil
	}
	if err := cfg.RequireSource(); err != nil {
		return failure("api", err)
	}
	keep, err := a.expirations(ctx, cfg)
	if err != nil {
		return failure("api", err)
	}
	var kept []string
	for _, t := range rawlog.Types() {
		if days, ok := keep[t]; ok {
			kept = append(kept, fmt.Sprintf("%s %d", t, days))
		}
	}
	found := []finding{{Level: "ok", What: "api", Detail: fmt.Sprintf("network %s accepts the token; days that files are kept: %s",
		cfg.Network, strings.Join(kept, ", "))}}
	return append(found, a.checkTypes(ctx, cfg)...)
}

// checkTypes asks for each log type whether the API lists it.
func (a *app) checkTypes(ctx context.Context, cfg *config.Config) []finding {
	const what = "log types"
	client, err := a.openAPI(cfg)
	if err != nil {
		return failure(what, err)
	}
	refused, err := hoapi.New(hoapi.Config{Client: client}).Refused(ctx, rawlog.Types())
	if err != nil {
		return failure(what, err)
	}
	var found []finding
	for _, t := range refused {
		found = append(found, finding{Level: "warn", What: what, Detail: fmt.Sprintf("the API does not list %s: %v", t.Type, t.Err),
			Hint: "a load without --type reports this each time; --type names the types to load"})
	}
	if len(refused) == 0 {
		found = append(found, finding{Level: "ok", What: what, Detail: "the API lists clicks, conversions and impressions"})
	}
	return found
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// checkStorage lists until the first file and reads one byte of it: listing
// and reading are different permissions, often on different hosts.
func (a *app) checkStorage(ctx context.Context, cfg *config.Config) []finding {
	const what = "storage"
	if cfg.RequireSource() != nil {
		return nil // checkAPI has said it
	}
	src, err := a.openSource(cfg)
	if err != nil {
		return failure(what, err)
	}
	var first *rawlog.File
	err = src.Walk(ctx, rawlog.Types(), nil, func(f rawlog.File) error {
		first = &f
		return errEnough
	})
	var part *dirs.Incomplete
	if err != nil && !errors.Is(err, errEnough) && !errors.As(err, &part) {
		return failure(what, err)
	}
	if part != nil && len(part.Files) > 0 {
		return failure(what, part)
	}
	if first == nil {
		return []finding{{Level: "warn", What: what, Detail: cfg.Source.String() + " lists no file",
			Hint: "names look like clicks-1473411600-SlY9UO.zip, in folders of any depth"}}
	}
	if err := readByte(ctx, src, *first); err != nil {
		return failure(what, fmt.Errorf("%s: %w", fileName(*first), err))
	}
	return []finding{{Level: "ok", What: what, Detail: fmt.Sprintf("%s lists files; read a byte of %s", cfg.Source, fileName(*first))}}
}

func readByte(ctx context.Context, src dirs.Source, f rawlog.File) (err error) {
	body, err := src.Open(ctx, f, 0, "")
	if err != nil {
		return err
	}
	defer closing(body, &err)
	_, err = io.ReadFull(body, make([]byte, 1))
	return err
}

// checkAbsent looks at what an embedded store needs to be made by the first load.
func (a *app) checkAbsent(cfg *config.Config, none *absentError) []finding {
	if _, err := engine.FindLibrary(cfg.Library); err != nil {
		return failure("store", err)
	}
	return []finding{{Level: "warn", What: "store", Detail: none.Error(), Hint: none.hint}}
}

func (a *app) checkStore(ctx context.Context, cfg *config.Config) (found []finding) {
	st, err := a.connect(ctx, cfg, store.Config{Existing: true})
	var none *absentError
	if errors.As(err, &none) {
		return a.checkAbsent(cfg, none)
	}
	if err != nil {
		return failure("store", err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			found = append(found, failure("store", err)...)
		}
	}()
	found = append(found, checkFence(st)...)
	applied, err := st.Applied(ctx)
	if err != nil {
		return append(found, failure("store", err)...)
	}
	if !applied {
		found = append(found, finding{Level: "warn", What: "tables", Detail: st.Name() + " has none of ingest's tables yet", Hint: "the first load makes them, or `ingest schema apply`"})
	}
	for _, f := range st.Check(ctx) {
		if strings.HasPrefix(f.What, "table ") && !applied {
			continue
		}
		found = append(found, finding{Level: fmt.Sprint(f.Level), What: f.What, Detail: f.Detail, Hint: f.Hint})
	}
	return found
}
