package bucket

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/listing"
	"rawlogs/internal/plain"
	"rawlogs/internal/rawlog"
)

// Walk implements dirs.Source. The whole prefix is listed, whatever the periods: a
// thousand keys take one call, and skipping ahead would need a layout that nobody
// promised.
func (s *Source) Walk(ctx context.Context, types []rawlog.Type, periods []rawlog.Period, yield func(rawlog.File) error) error {
	n := listing.NewNamed(s.names, types, periods, s.skipped, s.same)
	err := s.Each(ctx, func(name string, size int64, etag string, modified time.Time) {
		if f, ok := n.File(name); ok {
			f.Size, f.ETag = size, etag
			n.Take(f, modified)
		}
	}, nil)
	if err != nil {
		return err
	}
	return n.Yield(ctx, yield)
}

// Each lists every object below the prefix, whatever its name; there is none that it
// refuses. Its error is about the run.
func (s *Source) Each(ctx context.Context, take func(name string, size int64, etag string, modified time.Time), _ func(name string, why error)) error {
	err := s.each(ctx, take)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return dirs.OfRun(fmt.Errorf("listing %s: %w", s.at, err))
	}
	return nil
}

func (s *Source) each(ctx context.Context, take func(name string, size int64, etag string, modified time.Time)) error {
	client, err := s.s3(ctx)
	if err != nil {
		return err
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
		Bucket:       &s.at.Bucket,
		Prefix:       &s.at.Prefix,
		EncodingType: types.EncodingTypeUrl, // XML cannot hold every key as it is
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return errorOf(err)
		}
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			if page.EncodingType == types.EncodingTypeUrl {
				if key, err = url.QueryUnescape(key); err != nil {
					return fmt.Errorf("a key is not encoded as the storage says: %.100q", aws.ToString(object.Key))
				}
			}
			name, ok := strings.CutPrefix(key, s.at.Prefix)
			if !ok {
				return fmt.Errorf("asked for keys below the prefix, got %.100q", key)
			}
			if strings.HasSuffix(key, "/") && aws.ToInt64(object.Size) == 0 {
				continue // a console's way of making a folder
			}
			take(name, aws.ToInt64(object.Size), strings.Trim(aws.ToString(object.ETag), `"`), aws.ToTime(object.LastModified))
		}
	}
	return nil
}

// sameTags compares the tags of two objects; ok is false where they say nothing,
// as tags of uploads in parts depend on the parts.
func sameTags(a, b string) (same, ok bool) {
	whole := func(tag string) bool { return tag != "" && !strings.Contains(tag, "-") }
	return a == b, a == b && a != "" || whole(a) && whole(b)
}

// tailBytes is what two objects of one size are compared by where reading them
// whole would be a download: the end of a ZIP or gzip holds its text's length and
// CRC-32, that of a zstd its checksum.
const tailBytes = 64 << 10

// same compares two objects of one size: by their tags, or where these say
// nothing by their ends.
func (s *Source) same(ctx context.Context, a, b rawlog.File) (bool, error) {
	if same, ok := sameTags(a.ETag, b.ETag); ok {
		return same, nil
	}
	left, err := s.tail(ctx, a)
	if err != nil {
		return false, err
	}
	right, err := s.tail(ctx, b)
	return err == nil && left == right, err
}

// tail is a hash of an object's end; a text that is not packed is read whole, as its
// end tells nothing of the rest.
func (s *Source) tail(ctx context.Context, f rawlog.File) (sum [sha256.Size]byte, err error) {
	from := max(0, f.Size-tailBytes)
	if _, format, _ := rawlog.CutFormat(f.Path); format == rawlog.Plain {
		from = 0
	}
	client, err := s.s3(ctx)
	if err != nil {
		return sum, err
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.at.Bucket, Key: aws.String(s.at.Prefix + f.Path), Range: aws.String(fmt.Sprintf("bytes=%d-", from)),
	})
	if err != nil {
		return sum, fmt.Errorf("comparing %s with its copy: %w", plain.Name(f.Path), errorOf(err))
	}
	h := sha256.New()
	_, err = io.Copy(h, io.LimitReader(out.Body, f.Size-from))
	if cerr := out.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return sum, fmt.Errorf("comparing %s with its copy: %w", plain.Name(f.Path), errorOf(err))
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
