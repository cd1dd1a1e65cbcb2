package queue

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rawlogs/internal/awssdk"
)

// Open makes a client for a queue. What the address leaves open it takes from the SDK's
// environment and files. The queue is not asked yet.
func Open(ctx context.Context, at Address) (*sqs.Client, error) {
	options := awssdk.Options(at.Region, func(t *http.Transport) {
		t.ResponseHeaderTimeout = longPoll + 40*time.Second // the SDK has no read time-out of its own
	})
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, &Error{what: "AWS configuration", err: err}
	}
	if cfg.Region == "" {
		return nil, &Error{what: "the queue's URL names no region", hint: "set AWS_REGION, or give the URL as AWS shows it: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"}
	}
	if err := retrievable(ctx, cfg); err != nil {
		return nil, err
	}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if o.BaseEndpoint = nil; at.Endpoint != "" { // the queue's own, whatever the environment says of other services
			o.BaseEndpoint = &at.Endpoint
		}
	}), nil
}

// retrievable reports why there are no credentials: a queue is never public.
func retrievable(ctx context.Context, cfg aws.Config) error {
	short, cancel := context.WithTimeout(ctx, awssdk.Patience)
	defer cancel()
	_, err := cfg.Credentials.Retrieve(short)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{what: "no AWS credentials for the queue", err: err, hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a profile or role"}
}
