// Package awssdk is what all clients of AWS's SDK here have in common: how patient they
// are, and what they leave to the SDK's environment and files.
package awssdk

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// Patience bounds the wait for credentials: off EC2 the metadata service only times out.
const Patience = 10 * time.Second

// Options are those with which the SDK's settings are loaded: its own are silent, and tune
// sets what the client's connections need. An empty region is left to the environment.
func Options(region string, tune func(*http.Transport)) []func(*config.LoadOptions) error {
	options := []func(*config.LoadOptions) error{
		// A BuildableClient, as AWS_CA_BUNDLE can be applied to nothing else.
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(tune)),
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(NewRetryer),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	return options
}

// NewRetryer tries often and has no quota: the default one is shared by the
// whole client, and a bad minute would fail everything after it.
func NewRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 6
		o.MaxBackoff = 10 * time.Second
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(cut))
	})
}

// cut tells an answer that ends too early, which the SDK takes for one that it cannot read.
func cut(err error) aws.Ternary {
	var xml *xml.SyntaxError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &xml) && xml.Msg == "unexpected EOF" {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// Code passes on only what looks like the code of an error: a server's other texts may hold
// anything.
func Code(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.'
	}) {
		return ""
	}
	return s
}
