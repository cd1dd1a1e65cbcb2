package dirs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"rawlogs/internal/fetch"
	"rawlogs/internal/rawlog"
)

// S3 lists a bucket. Folders below the prefix may be by type, by date, or any
// other; a file's path is its key without the prefix.
//
// The whole prefix is listed, whatever the periods: a thousand keys take one
// call, and skipping ahead would need a layout that nobody promised.
type S3 struct {
	Client  *s3.Client
	Bucket  string
	Prefix  string // "" or ending in a slash
	Skipped Skipped
}

// Walk implements Walker.
func (w S3) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	n := collectNamed(types, periods, w.Skipped, w.same)
	if err := w.list(ctx, n); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("listing s3://%s/%s: %w", w.Bucket, w.Prefix, err)
	}
	return n.yield(ctx, yield)
}

func (w S3) list(ctx context.Context, n *named) error {
	pages := s3.NewListObjectsV2Paginator(w.Client, &s3.ListObjectsV2Input{
		Bucket:       &w.Bucket,
		Prefix:       aws.String(w.Prefix),
		EncodingType: types.EncodingTypeUrl, // XML cannot hold every key as it is
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fetch.S3Error(err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			if page.EncodingType == types.EncodingTypeUrl {
				if key, err = url.QueryUnescape(key); err != nil {
					return fmt.Errorf("a key is not encoded as the storage says: %.100q", aws.ToString(object.Key))
				}
			}
			name, ok := strings.CutPrefix(key, w.Prefix)
			if !ok {
				return fmt.Errorf("asked for keys below the prefix, got %.100q", key)
			}
			if strings.HasSuffix(key, "/") && aws.ToInt64(object.Size) == 0 {
				continue // a console's way of making a folder
			}
			if f, ok := n.file(name); ok {
				f.Size, f.ETag = aws.ToInt64(object.Size), strings.Trim(aws.ToString(object.ETag), `"`)
				n.take(f, aws.ToTime(object.LastModified))
			}
		}
	}
	return nil
}

// same compares two objects of one size: by their tags, or where these say
// nothing by their ends.
func (w S3) same(ctx context.Context, a, b rawlog.File) (bool, error) {
	if same, ok := sameTags(a.ETag, b.ETag); ok {
		return same, nil
	}
	left, err := w.tail(ctx, a)
	if err != nil {
		return false, err
	}
	right, err := w.tail(ctx, b)
	return err == nil && bytes.Equal(left, right), err
}

func (w S3) tail(ctx context.Context, f rawlog.File) ([]byte, error) {
	from := max(0, f.Size-tailBytes)
	out, err := w.Client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &w.Bucket, Key: aws.String(w.Prefix + f.Path), Range: aws.String(fmt.Sprintf("bytes=%d-", from)),
	})
	if err != nil {
		return nil, fmt.Errorf("comparing %s with its copy: %w", fetch.Printable(f.Path), fetch.S3Error(err))
	}
	tail, err := io.ReadAll(io.LimitReader(out.Body, tailBytes))
	if cerr := out.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("comparing %s with its copy: %w", fetch.Printable(f.Path), fetch.S3Error(err))
	}
	return tail, nil
}
