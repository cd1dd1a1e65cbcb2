package bucket

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/plain"
)

// Put makes an object of the bucket, whole or not at all, and returns once the storage has
// acknowledged it.
func (s *Source) Put(ctx context.Context, name string, body []byte) error {
	client, err := s.s3(ctx)
	if err != nil {
		return err
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.at.Bucket, Key: aws.String(s.at.Prefix + name), Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
	})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("writing %s in %s: %w", plain.Name(name), s.at, errorOf(err))
	}
	return nil
}
