package queue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// keeper keeps messages hidden for as long as they are worked on.
type keeper struct {
	cfg Config

	mu   sync.Mutex
	held map[*message]time.Time // until when each is hidden
}

func newKeeper(cfg Config) *keeper { return &keeper{cfg: cfg, held: make(map[*message]time.Time)} }

// add takes up messages that were asked for at a time.
func (k *keeper) add(messages []*message, asked time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range messages {
		k.held[m] = asked.Add(k.cfg.Visibility)
	}
}

// renew notes that a message came again.
func (k *keeper) renew(m *message, receipt string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m.receipt = receipt
}

// drop forgets messages.
func (k *keeper) drop(messages []*message) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range messages {
		delete(k.held, m)
	}
}

// begin extends until the returned function is called.
func (k *keeper) begin(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(k.cfg.Visibility / 6)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				k.extend(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// extend gives more time to what has less than two thirds of it left. What cannot be
// extended comes again, and its events count once all the same.
func (k *keeper) extend(ctx context.Context) {
	var due []*message
	k.mu.Lock()
	for m, until := range k.held {
		if time.Until(until) < k.cfg.Visibility*2/3 {
			due = append(due, m)
		}
	}
	k.mu.Unlock()
	if len(due) == 0 {
		return
	}
	now := time.Now()
	lost, err := k.change(ctx, due, k.cfg.Visibility) //guard:visibility-extended
	if err != nil && ctx.Err() == nil {
		k.cfg.Log.Warn("could not keep messages hidden; they may arrive twice, and are counted once", "messages", len(due), "err", failed("extending their time", err))
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range due {
		if _, ok := k.held[m]; ok {
			k.held[m] = now.Add(k.cfg.Visibility)
		}
	}
	if lost > 0 {
		k.cfg.Log.Debug("could not keep messages hidden; they may arrive twice, and are counted once", "messages", lost)
	}
}

// giveBack lets others have what is held, in a second: the SDK takes none for unset. It is a
// courtesy: they would get it later anyway.
func (k *keeper) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	k.mu.Lock()
	var held []*message
	for m := range k.held {
		held = append(held, m)
	}
	k.mu.Unlock()
	k.drop(held)
	if _, err := k.change(ctx, held, time.Second); err != nil {
		k.cfg.Log.Debug("messages were not given back; they come again when their time is over", "err", failed("giving messages back", err))
	}
}

// change sets for how long messages stay hidden from now on, and counts those for which the
// server did not.
func (k *keeper) change(ctx context.Context, messages []*message, visible time.Duration) (lost int, err error) {
	return each(ctx, messages, func(ctx context.Context, some []*message) (int, error) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
		for i := range some {
			id, receipt := strconv.Itoa(i), k.receipt(some[i])
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: &receipt, VisibilityTimeout: seconds(visible)}
		}
		out, err := k.cfg.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &k.cfg.URL, Entries: entries})
		if err != nil {
			return 0, err
		}
		return len(out.Failed), nil
	})
}

// seconds rounds up; none would be the queue's own default.
func seconds(d time.Duration) int32 { return int32(max(1, (d+time.Second-1)/time.Second)) }

func (k *keeper) receipt(m *message) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return m.receipt
}

// requests is how many requests about single messages run at a time.
const requests = 8

// each asks about messages, as many at once as a request takes, and sums up what is answered.
func each(ctx context.Context, messages []*message, ask func(context.Context, []*message) (int, error)) (sum int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	var mu sync.Mutex
	for some := range slices.Chunk(messages, mostAtOnce) {
		group.Go(func() error {
			n, wrong := ask(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			sum += n
			return wrong
		})
	}
	err = group.Wait()
	return sum, err
}

// remove deletes messages whose rows are safe.
func (c *Consumer) remove(ctx context.Context, messages []*message) error {
	const tries = 3
	left := messages
	for try := 0; try < tries && len(left) > 0; try++ {
		var mu sync.Mutex
		var again []*message
		deleted, err := each(ctx, left, func(ctx context.Context, some []*message) (int, error) {
			refused, err := c.delete(ctx, some)
			if err != nil {
				return 0, err
			}
			mu.Lock()
			defer mu.Unlock()
			again = append(again, refused...)
			return len(some) - len(refused), nil
		})
		c.sum.Deleted += deleted
		if err != nil {
			return c.undeleted(failed("deleting messages", err))
		}
		left = again
	}
	c.keep.drop(messages)
	if c.sum.Undeleted += len(left); len(left) > 0 {
		c.cfg.Log.Warn("messages are loaded and could not be deleted; they come again, and their events are left out then", "messages", len(left))
	}
	return nil
}

// undeleted says of an error that nothing is lost by it.
func (c *Consumer) undeleted(err error) error {
	var own *Error
	if errors.As(err, &own) {
		own.hint += "; what was received is loaded, and left out when it comes again"
	}
	return err
}

// delete returns the messages that the server did not delete.
func (c *Consumer) delete(ctx context.Context, some []*message) (refused []*message, err error) {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(some))
	for i := range some {
		id, receipt := strconv.Itoa(i), c.keep.receipt(some[i])
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: &receipt}
	}
	out, err := c.cfg.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &c.cfg.URL, Entries: entries})
	if err != nil {
		return nil, err
	}
	for _, f := range out.Failed {
		if f.Id == nil {
			continue
		}
		if i, err := strconv.Atoi(*f.Id); err == nil && i >= 0 && i < len(some) {
			refused = append(refused, some[i])
		}
	}
	return refused, nil
}
