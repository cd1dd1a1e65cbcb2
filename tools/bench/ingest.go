package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rawlogs/internal/dirs/folder"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/store"
)

// ingest is the program that this one is about: a real process, which finds
// the engine of bench running and shares it.
type ingest struct {
	program string
	self    bool
	spec    string
	profile string
	runs    int

	rows, block int // with self: rows an INSERT and a wire block; 0 for what is usual
}

func newIngest(o options, srv *server) (*ingest, error) {
	if o.ingest == "self" {
		self, err := os.Executable()
		return &ingest{program: self, self: true, spec: srv.spec, profile: o.profile}, err
	}
	path, err := filepath.Abs(o.ingest)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("--ingest: %w (make build)", err)
	}
	return &ingest{program: path, spec: srv.spec}, nil
}

// summary is what of ingest's own account is looked at.
type summary struct {
	Files struct {
		Listed        int `json:"listed"`
		AlreadyLoaded int `json:"already_loaded"`
		Loaded        int `json:"loaded"`
		Failed        int `json:"failed"`
	} `json:"files"`
	Rows     uint64 `json:"rows"`
	Rejected uint64 `json:"rejected"`
	Inserts  int    `json:"inserts"`
}

// always is a period that holds every file.
const always = "2010..2029"

// backfill loads all click files of a folder.
func (i *ingest) backfill(ctx context.Context, folder string) (usage, error) {
	u, _, err := i.run(ctx, nil, "backfill", always, "--type", "clicks", "--source", folder)
	return u, err
}

// run runs the command and reads its summary. Exit status 3, with which it
// says that a file failed or a line was rejected, is no error.
func (i *ingest) run(ctx context.Context, env []string, args ...string) (usage, summary, error) {
	var s summary
	all := append(slices.Clone(args), "--json", "-q")
	if i.self {
		i.runs++
		all = []string{childLoad, i.spec, args[len(args)-1], i.profile, strconv.Itoa(i.runs), strconv.Itoa(i.rows), strconv.Itoa(i.block)}
	}
	// It may hold a password, which a command line shows to everyone.
	u, err := child(ctx, append(append(environment(), "INGEST_STORE="+i.spec), env...), i.program, all...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		err = nil
	}
	if err == nil {
		err = json.Unmarshal(u.out, &s)
	}
	return u, s, err
}

// environment is that of ingest: settings of whoever runs the benchmark stay out of it.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), "INGEST_CONFIG=" + os.DevNull, "HASOFFERS_NETWORK_ID=bench"}
}

// childLoad is the argument that makes this program load with its own
// pipeline, under the profiler: the product has no flag for that.
const childLoad = "load"

func loadChild(ctx context.Context, args []string) (err error) {
	if len(args) != 6 {
		return errors.New("load: want a store, a folder, a folder for profiles, a number, rows of an INSERT and rows of a block")
	}
	rows, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	block, err := strconv.Atoi(args[5])
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Config{Spec: args[0]})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	stop, err := startProfiles(args[2], args[3])
	if err != nil {
		return err
	}
	begin := time.Now()
	sum, err := pipeline.Run(ctx, st, folder.New(args[1], nil), pipeline.Options{Network: "bench", Types: []rawlog.Type{rawlog.Clicks}, InsertRows: rows, BlockRows: block})
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "loaded in %v\n", time.Since(begin))
	var out summary
	out.Files.Listed, out.Files.Loaded, out.Files.Failed, out.Files.AlreadyLoaded = sum.Listed, sum.Loaded, sum.Failed, sum.AlreadyLoaded
	out.Rows, out.Rejected, out.Inserts = sum.Rows, sum.Rejected, sum.Inserts
	return json.NewEncoder(os.Stdout).Encode(out)
}
