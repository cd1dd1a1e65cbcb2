// Package queue takes messages of the vendor's Firehose from a queue of SQS into files of
// events, has them loaded, and deletes them.
//
// # The order of writes
//
// Messages are received, written as one file into the archive, which is a source of events
// like any other (dirs/firehose), loaded from there, and deleted once the ledger says that
// the file is loaded. So a process that ends anywhere leaves messages that come again, in
// whatever company, and perhaps a file: events are known by their ids, so what has been
// loaded from one file is left out of the next. The queue keeps nothing that was deleted;
// the archive does.
//
// Meanwhile messages are hidden from others, and their time is extended for as long as the
// work on them lasts. If it runs out all the same, they come twice.
package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rawlogs/internal/firehose"
)

// Client is what is asked of a queue.
type Client interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// Config says what is consumed, how, and for how long.
type Config struct {
	URL    string
	Client Client
	// Put writes a file into the archive, whole or not at all, for good.
	Put func(ctx context.Context, name string, body []byte) error
	// Load loads a file of the archive. Without an error all that the file holds is in the
	// store and the ledger says so.
	Load func(ctx context.Context, name string) error

	MaxMessages int           // end once so many were received; 0: no limit
	For         time.Duration // go on for so long, also while the queue is empty; 0 ends when it is
	Visibility  time.Duration // that messages are hidden for at a time; default 2 minutes
	MaxMemory   int64         // as of a load, which takes turns with receiving; default 256 MiB
	Every       time.Duration // a batch waits no longer for more messages; default 30 seconds
	Wait        time.Duration // for a message of a queue that may be empty; default 5 seconds
	Stop        <-chan struct{}
	Log         *slog.Logger
}

// Limits of a batch beside its bytes and age.
const (
	mostMessages = 10_000
	mostEvents   = firehose.MaxEvents
)

// longPoll is how long the server may hold an answer back for a message to come.
const longPoll = 20 * time.Second

// Summary is what was done; it is right as far as the work came, also beside an error.
type Summary struct {
	Received   int // messages, each as often as it came
	Lost       int // answers of the queue that did not arrive, and were asked for again
	Repeated   int // of those: that came while they were being worked on
	Deleted    int
	Undeleted  int // loaded, but the server did not delete them: they come again
	Unreadable int // of which not all could be read: the rest is put aside
	Files      int // written and loaded
}

// Consumer takes messages from a queue. It is for one goroutine.
type Consumer struct {
	cfg  Config
	most int // bytes of a line, as a load has it
	keep *keeper
	next []*message // received, and too much for the batch before
	end  time.Time  // zero for none
	// hidden is until when messages may be that nobody holds: their answer was lost.
	hidden time.Time
	sum    Summary
	over   bool // nothing more is to be received
}

// New returns a consumer; it does no I/O.
func New(cfg Config) *Consumer {
	if cfg.Visibility <= 0 {
		cfg.Visibility = 2 * time.Minute
	}
	if cfg.MaxMemory <= 0 {
		cfg.MaxMemory = 256 << 20
	}
	if cfg.Every <= 0 {
		cfg.Every = 30 * time.Second
	}
	if cfg.Wait <= 0 {
		cfg.Wait = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Consumer{cfg: cfg, most: int(cfg.MaxMemory / 16)}
}

// Run consumes until the queue is empty or the time is over, as the configuration says,
// until Stop is closed, or until something fails. Messages of what failed are not deleted.
func (c *Consumer) Run(ctx context.Context) (Summary, error) {
	if c.cfg.For > 0 {
		c.end = time.Now().Add(c.cfg.For)
	}
	c.keep = newKeeper(c.cfg)
	defer c.keep.begin(ctx)()
	for {
		b, err := c.gather(ctx)
		if c.stopped() || ctx.Err() != nil {
			c.keep.giveBack(context.WithoutCancel(ctx))
			return c.sum, ctx.Err()
		}
		if len(b.messages) > 0 {
			// What came before an error is safe only once it is loaded.
			if serr := c.settle(ctx, b); serr != nil {
				if c.stopped() {
					c.keep.giveBack(context.WithoutCancel(ctx))
				}
				return c.sum, errors.Join(serr, err)
			}
		}
		if err != nil || c.over && len(c.next) == 0 {
			return c.sum, err
		}
	}
}

func (c *Consumer) stopped() bool {
	select {
	case <-c.cfg.Stop:
		return true
	default:
		return false
	}
}

// settle makes a file of the batch, loads it, and deletes its messages: in this order.
func (c *Consumer) settle(ctx context.Context, b *batch) error {
	name, body, err := b.file()
	if err != nil {
		return err
	}
	for _, m := range b.messages {
		m.line = nil
	}
	c.cfg.Log.Debug("writing messages", "file", name, "messages", len(b.messages), "events", b.events, "bytes", len(body))
	if err = c.cfg.Put(ctx, name, body); err != nil {
		return err
	}
	if err = c.cfg.Load(ctx, name); err != nil { //guard:deleted-after-loaded
		return err
	}
	c.sum.Files++
	err = c.remove(ctx, b.messages)
	c.cfg.Log.Debug("messages deleted", "file", name, "deleted", c.sum.Deleted)
	return err
}
