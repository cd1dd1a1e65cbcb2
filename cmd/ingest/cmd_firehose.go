package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/config"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/queue"
	"rawlogs/internal/session"
	"rawlogs/internal/summary"
)

// FirehoseOptions are the flags of `ingest firehose`.
type FirehoseOptions struct {
	Queue       string
	MaxMessages int
	For         time.Duration
	Visibility  time.Duration
}

// AddFlags adds them to f.
func (o *FirehoseOptions) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.Queue, "queue", "", "URL of the SQS queue that the network sends events to")
	f.IntVar(&o.MaxMessages, "max-messages", 0, "end after so many messages; 0 for no limit")
	f.DurationVar(&o.For, "for", 0, "go on for so long, also while the queue is empty, e.g. 55m (default: until it is empty)")
	f.DurationVar(&o.Visibility, "visibility", 2*time.Minute, "hide messages from other consumers for so long at a time; extended while they are worked on")
}

func newFirehose(a *app) *cobra.Command {
	var o FirehoseOptions
	cmd := &cobra.Command{
		Use:   "firehose --queue URL [flags]",
		Short: "load events from the Firehose's queue, each exactly once",
		Example: `  ingest firehose --queue https://sqs.eu-west-1.amazonaws.com/123456789012/events --source firehose:s3://archive/events
  ingest firehose --queue https://… --source firehose:/archive/events --for 55m`,
		Long: `Messages are written as files into the source, which keeps them for good, loaded from
there, and deleted from the queue once the ledger says that they are loaded. AWS
credentials come from the environment, a profile or a role, as the SDK finds them.

` + loadStatuses(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runFirehose(cmd, o) },
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// address checks the flags.
func (o *FirehoseOptions) address() (at queue.Address, err error) {
	if o.Queue == "" {
		return at, &usageError{err: errors.New("ingest firehose: want --queue URL"), hint: "the queue's URL, such as https://sqs.eu-west-1.amazonaws.com/123456789012/events"}
	}
	if at, err = queue.ParseAddress(o.Queue); err != nil {
		return at, &usageError{err: fmt.Errorf("--queue: %w", err)}
	}
	const most = 12 * time.Hour // SQS hides no message for longer
	switch {
	case o.MaxMessages < 0:
		err = errors.New("--max-messages is a number of messages, or 0")
	case o.For < 0:
		err = errors.New("--for is a duration such as 55m")
	case o.Visibility < 6*time.Second || o.Visibility > most:
		err = errors.New("--visibility is a duration from 6s to 12h")
	}
	if err != nil {
		err = &usageError{err: err}
	}
	return at, err
}

func (a *app) runFirehose(cmd *cobra.Command, o FirehoseOptions) error {
	at, err := o.address()
	if err != nil {
		return err
	}
	cfg, err := a.configure(cmd)
	if err != nil {
		return err
	}
	if !cfg.Source.Events {
		return &usageError{err: fmt.Errorf("source %s: %w", cfg.Source, session.ErrNoArchive), hint: "name a folder or bucket for them: --source firehose:FOLDER or firehose:s3://BUCKET/PREFIX"}
	}
	return a.each(cmd.Context(), cmd, []*config.Config{cfg}, func(ctx context.Context, s *session.Session) error {
		return a.consume(ctx, s, at, o)
	})
}

func (a *app) consume(ctx context.Context, s *session.Session, at queue.Address, o FirehoseOptions) error {
	opts := pipeline.Options{Progress: new(pipeline.Progress), Stop: a.signals.First()}
	stop := a.watch(s.Log, opts.Progress)
	got, err := s.Consume(ctx, at, queue.Config{MaxMessages: o.MaxMessages, For: o.For, Visibility: o.Visibility}, opts)
	stop()
	if err != nil && got.Received == 0 && len(got.Loads) == 0 {
		return err // it did not get as far as having something to sum up
	}
	out := summary.OfQueue(summary.Place{Network: s.Config.Network, Source: s.Config.Source.String(), Store: s.StoreName()}, at.URL, got.Summary, got.Loads)
	if perr := a.show(out, out.Print); err == nil {
		err = perr
	}
	var not *session.IncompleteError
	switch {
	case a.signals.Came() && (err == nil || errors.As(err, &not)):
		return session.ErrInterrupted
	case err != nil:
		return err
	}
	return incomplete(out.Verdict())
}
