package bucket

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/awssdk"
)

// Location is a place in S3 as a source names it:
// s3://bucket/prefix?region=eu-west-1&endpoint=http://127.0.0.1:7070&anonymous=true.
type Location struct {
	Bucket    string
	Prefix    string // "" or ending in a slash
	Region    string // "" leaves it to the SDK's environment, then us-east-1
	Endpoint  string // "" leaves it to the SDK's environment (AWS_ENDPOINT_URL_S3), then AWS
	Anonymous bool   // do not look for credentials
}

// ParseLocation reads an s3:// source.
func ParseLocation(s string) (Location, error) {
	const want = "want s3://bucket/prefix, with ?anonymous=true, region= or endpoint= where needed"
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return Location{}, fmt.Errorf("source is not an S3 location: %s", want)
	}
	l := Location{Bucket: u.Host, Prefix: strings.TrimPrefix(u.Path, "/")}
	if l.Prefix != "" && !strings.HasSuffix(l.Prefix, "/") {
		l.Prefix += "/" // or 2016 would take 2016-old along
	}
	for name, values := range u.Query() {
		switch value := values[len(values)-1]; name {
		case "region":
			l.Region = value
		case "endpoint":
			l.Endpoint = value
		case "anonymous":
			if value != "" && value != "true" && value != "false" {
				return Location{}, fmt.Errorf("source %s: anonymous is true or false", l)
			}
			l.Anonymous = value != "false"
		default:
			return Location{}, fmt.Errorf("source %s: unknown option %.40q: %s", l, name, want)
		}
	}
	return l, nil
}

// String is the location without its options.
func (l Location) String() string { return "s3://" + l.Bucket + "/" + l.Prefix }

// newClient makes a client for a location, for listing and for downloads. It
// takes everything that the location leaves open from the SDK's environment and
// files. Without credentials anywhere it reads anonymously, and says so.
func newClient(ctx context.Context, l Location, log *slog.Logger) (*s3.Client, error) {
	options := awssdk.Options(l.Region, func(t *http.Transport) {
		t.ResponseHeaderTimeout = time.Minute // the SDK has no read time-out of its own
		t.MaxIdleConnsPerHost = 64
	})
	if l.Anonymous {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	// LoadDefaultConfig and no bare s3.Options: only it turns the response
	// checksums on.
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("S3 configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if !l.Anonymous {
		why, err := withoutCredentials(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if why != "" {
			log.Warn("no S3 credentials found, reading anonymously", "source", l.String(), "why", why)
			cfg.Credentials = aws.AnonymousCredentials{}
		}
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if l.Endpoint != "" {
			o.BaseEndpoint = &l.Endpoint
		}
		// A store of one's own seldom has a DNS name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true
	}), nil
}
