package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rawlogs/internal/config"
	"rawlogs/internal/engine"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/unit"
	"rawlogs/internal/version"
)

// unitOptions are the flags of unit's commands.
type unitOptions struct {
	Job       unit.Job
	Dir       string
	Retention int
}

func newUnit(a *app) *cobra.Command {
	var o unitOptions
	kinds := []string{"systemd", "cron", "kubernetes"}
	cmd := &cobra.Command{
		Use:   "unit systemd|cron|kubernetes",
		Short: "print what runs ingest by the clock, for the present settings",
		Example: `  ingest unit systemd --dir units
  ingest unit cron --at 04:30,16:30 --zone Europe/Prague | crontab -
  ingest unit kubernetes --image registry.example/ingest:1.2.3 | kubectl apply -f -
  ingest unit kubernetes --backfill 2016 --workers 4`,
		Long:      "Nothing printed holds a secret: comments say where each is to be put.\nKubernetes: the settings of one network (--network).\n\n" + exits(exitDone, exitFailed, exitUsage),
		ValidArgs: kinds,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{err: fmt.Errorf("ingest unit: want one of %v", kinds)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.runUnit(cmd, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "write the files into this folder instead of printing them")
	f.StringSliceVar(&o.Job.When.At, "at", []string{"00:30", "06:30", "12:30", "18:30"}, "times of day")
	f.StringVar(&o.Job.When.Zone, "zone", "UTC", "zone of these times")
	f.IntVar(&o.Retention, "retention", 1, "days that the network keeps its files, of the type that it keeps shortest; a run too seldom for that is warned of")
	f.StringVar(&o.Job.Name, "name", "ingest", "name of the units")
	f.StringVar(&o.Job.Program, "program", "", "path of ingest there (default this program's)")
	f.StringVar(&o.Job.User, "user", "ingest", "systemd: the user of the service")
	f.BoolVar(&o.Job.Serve, "serve", false, "systemd: a service for `ingest serve`, too")
	f.BoolVar(&o.Job.Web, "web", false, "systemd: a service for `ingest web`, too")
	f.StringVar(&o.Job.Image, "image", "", "kubernetes: the image (default ingest:VERSION)")
	f.StringVar(&o.Job.Storage, "storage", "50Gi", "kubernetes: size of the embedded store's volume")
	f.StringSliceVar(&o.Job.Periods, "backfill", nil, "kubernetes: an indexed Job that loads these periods, in place of the CronJob")
	f.IntVar(&o.Job.Workers, "workers", 1, "kubernetes: pods that share the backfill")
	f.String("spool", "", "folder for large downloads (INGEST_SPOOL)")
	return cmd
}

func (a *app) runUnit(cmd *cobra.Command, kind string, o unitOptions) error {
	job := o.Job
	layers, err := a.layers(cmd)
	if err != nil {
		return err
	}
	if job.Networks, err = layers.Portable(a.log); err != nil {
		return err
	}
	for _, n := range job.Networks {
		if n.Config.Network == "" {
			return &usageError{err: fmt.Errorf("ingest unit: the API's network is not set: name it with --network")}
		}
	}
	if path := layers.File(); path != "" {
		if job.Config, err = filepath.Abs(path); err != nil {
			return err
		}
	}
	if job.Program == "" {
		if job.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("finding this program's path: %w", err)
		}
	}
	if !filepath.IsAbs(job.Program) {
		return &usageError{err: fmt.Errorf("--program %q: want an absolute path", job.Program)}
	}
	if err = job.When.Check(); err != nil {
		return &usageError{err: err}
	}
	if gap, kept := job.When.Gap(), time.Duration(o.Retention)*24*time.Hour; o.Retention > 0 && 2*gap > kept {
		a.log.Warn("the network may delete a file before a second run looks for it: name more times with --at", "longest_gap", gap, "kept", kept)
	}
	if job.Library, err = engine.FindLibrary(""); err != nil {
		job.Library = "" // the unit says where it has to be put
	}
	job.Image = cmp.Or(job.Image, "ingest:"+version.Get().Version)
	files, err := a.unitFiles(kind, job)
	switch {
	case err != nil:
		return err
	case o.Dir != "":
		return unit.Write(o.Dir, files)
	case a.json:
		return a.show(files, nil)
	}
	return unit.Print(a.stdout, files)
}

// unitFiles are the files of a kind of unit.
func (a *app) unitFiles(kind string, job unit.Job) (files []unit.File, err error) {
	switch kind {
	case "systemd":
		files, err = job.Systemd()
	case "cron":
		var folder string
		if folder, err = os.Getwd(); err != nil {
			return nil, err
		}
		files, err = job.Cron(folder)
	case "kubernetes":
		if err = checkBackfill(job); err == nil {
			files, err = job.Kubernetes()
		}
	default:
		err = fmt.Errorf("ingest unit: unknown kind %q: want systemd, cron or kubernetes", kind)
	}
	if err != nil {
		return nil, &usageError{err: err}
	}
	return files, nil
}

func checkBackfill(job unit.Job) error {
	for _, period := range job.Periods {
		if _, err := rawlog.ParsePeriod(period); err != nil {
			return fmt.Errorf("--backfill %q: %w", period, err)
		}
	}
	share, err := rawlog.ParseShare(fmt.Sprintf("1/%d", job.Workers))
	if err != nil {
		return fmt.Errorf("--workers %d: %w", job.Workers, err)
	}
	for _, n := range job.Networks {
		if limit := n.Config.SignIn; n.Config.Source.Kind == config.API && share.Calls(limit.Calls) == 0 {
			return fmt.Errorf("--workers %d: the network allows %d calls in %s (rate_limit), fewer than there would be workers", job.Workers, limit.Calls, limit.Per)
		}
	}
	if job.Workers > 1 && len(job.Periods) == 0 {
		return fmt.Errorf("--workers share a backfill: name its periods with --backfill")
	}
	return nil
}

// workerShare is --worker as I/N. index/N stands for the pod's own part of an indexed
// Job of Kubernetes, which counts from 0.
func workerShare(text string, getenv func(string) string) (rawlog.Share, error) {
	if n, ok := strings.CutPrefix(text, "index/"); ok {
		index := getenv("JOB_COMPLETION_INDEX")
		i, err := strconv.Atoi(index)
		if err != nil {
			return rawlog.Share{}, fmt.Errorf("JOB_COMPLETION_INDEX %q: want the index that Kubernetes gives to the pods of an indexed Job", index)
		}
		text = fmt.Sprintf("%d/%s", i+1, n)
	}
	return rawlog.ParseShare(text)
}
