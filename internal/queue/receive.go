package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// mostAtOnce is how many messages one request is about.
const mostAtOnce = 10

// gather receives what becomes one file: as much as fits, or comes within the time.
func (c *Consumer) gather(ctx context.Context) (*batch, error) {
	ctx, cancel := c.untilStop(ctx)
	defer cancel()
	b := new(batch)
	c.next = c.fill(b, c.next)
	for len(c.next) == 0 && !c.over && !c.full(b) && !c.stopped() && ctx.Err() == nil {
		got, err := c.receive(ctx, b)
		if err != nil {
			return b, err
		}
		c.next = c.fill(b, got)
	}
	return b, nil
}

// untilStop returns a context that also ends when the work is to stop: an answer may be
// held back for long.
func (c *Consumer) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-c.cfg.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// full reports whether a batch waits for nothing more.
func (c *Consumer) full(b *batch) bool {
	return b.bytes >= c.cfg.MaxMemory/16 || len(b.messages) >= mostMessages || //guard:batch-bytes
		len(b.messages) > 0 && time.Since(b.since) >= c.cfg.Every
}

// fill adds messages to a batch, and returns those that are for the next one.
func (c *Consumer) fill(b *batch, messages []*message) (rest []*message) {
	for i, m := range messages {
		if len(b.messages) > 0 && b.events+m.events > mostEvents { //guard:batch-events
			return messages[i:]
		}
		b.add(m, time.Now())
	}
	return nil
}

// receive asks for messages once, and notes whether there may be more.
func (c *Consumer) receive(ctx context.Context, b *batch) ([]*message, error) {
	wait, most := c.patience(b), mostAtOnce
	if c.cfg.MaxMessages > 0 {
		most = min(most, c.cfg.MaxMessages-c.sum.Received)
	}
	asked := time.Now()
	out, err := c.cfg.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &c.cfg.URL, MaxNumberOfMessages: int32(most), WaitTimeSeconds: seconds(wait),
		VisibilityTimeout:           seconds(c.cfg.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, nil //nolint:nilerr // it is to stop, and that is all there is to tell
	case err != nil:
		return nil, failed("receiving messages", err)
	}
	c.sum.Received += len(out.Messages)
	c.noteLost(out)
	if len(out.Messages) == 0 && c.end.IsZero() && !time.Now().Before(c.hidden) || //guard:lost-answer
		c.cfg.MaxMessages > 0 && c.sum.Received >= c.cfg.MaxMessages ||
		!c.end.IsZero() && !time.Now().Before(c.end) {
		c.over = true
	}
	var fresh []*message
	for _, m := range out.Messages {
		if got := c.take(b, fresh, m); got != nil {
			fresh = append(fresh, got)
		}
	}
	c.keep.add(fresh, asked)
	return fresh, nil
}

// noteLost looks whether an answer took more than one request. What the first one was given
// may have got lost on its way: then it is hidden from everybody, and the queue is not empty
// however it answers, until the time of those messages is over.
func (c *Consumer) noteLost(out *sqs.ReceiveMessageOutput) {
	attempts, _ := retry.GetAttemptResults(out.ResultMetadata)
	for _, a := range attempts.Results {
		var answered smithy.APIError
		if a.Err == nil || errors.As(a.Err, &answered) {
			continue
		}
		c.sum.Lost++
		c.hidden = time.Now().Add(c.cfg.Visibility)
		c.cfg.Log.Warn("an answer from the queue was lost; its messages, if it had any, come again when their visibility timeout ends", "until", c.hidden.UTC().Format(time.TimeOnly), "err", bare(a.Err))
	}
}

// patience is how long an answer may be held back.
func (c *Consumer) patience(b *batch) time.Duration {
	wait := c.cfg.Wait
	if !c.end.IsZero() {
		wait = max(0, min(longPoll, time.Until(c.end)))
	}
	if len(b.messages) > 0 {
		wait = max(0, min(wait, c.cfg.Every-time.Since(b.since)))
	}
	return wait
}

// take makes a message of what was received; nil for one that came again meanwhile: the
// latest delivery is the one that can be deleted.
func (c *Consumer) take(b *batch, fresh []*message, m types.Message) *message {
	id := aws.ToString(m.MessageId)
	held := b.byID[id]
	for _, f := range fresh {
		if f.id == id {
			held = f
		}
	}
	if held != nil { //guard:latest-receipt
		c.sum.Repeated++
		c.keep.renew(held, aws.ToString(m.ReceiptHandle))
		return nil
	}
	out := &message{id: id, receipt: aws.ToString(m.ReceiptHandle), sent: time.Now().UTC(), line: line(aws.ToString(m.Body))}
	if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil && ms > 0 {
		out.sent = time.UnixMilli(ms).UTC()
	}
	events, bad := look(out.line, c.most)
	if out.events = events; bad != "" {
		c.sum.Unreadable++
		if c.sum.Unreadable <= mostTold {
			c.cfg.Log.Warn("a message cannot be read, or not all of it; that is put aside in rejected_rows", "message", id, "err", bad)
		}
	}
	return out
}

// mostTold bounds the warnings about single messages.
const mostTold = 20
