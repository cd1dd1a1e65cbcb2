package dirs

import (
	"context"
	"fmt"
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
	c := collect(types, periods)
	if err := w.list(ctx, c); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("listing s3://%s/%s: %w", w.Bucket, w.Prefix, err)
	}
	return c.yield(ctx, yield)
}

func (w S3) list(ctx context.Context, c *collection) error {
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
			if err := c.addNamed(name, aws.ToInt64(object.Size), strings.Trim(aws.ToString(object.ETag), `"`), w.Skipped); err != nil {
				return err
			}
		}
	}
	return nil
}

// addNamed takes a file whose type and hour stand in its name.
func (c *collection) addNamed(name string, size int64, etag string, skipped Skipped) error {
	typ, hour, err := rawlog.ParseName(name)
	if err != nil {
		skipped.tell(name, err)
		return nil
	}
	f := rawlog.File{Type: typ, Name: rawlog.NameOf(name, hour), Path: name, Hour: hour, Size: size, ETag: etag}
	if old, ok := c.files[typ][f.Name]; ok && old.Path != name {
		// Copies of one file: the choice must not depend on the listing's order.
		if old.Path < name {
			f, old = old, f
		}
		skipped.tell(old.Path, fmt.Errorf("it is another copy of %s", f.Path))
	}
	return c.add(f)
}
