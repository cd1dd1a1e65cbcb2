package simnet

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// published is a file that the network has, or has had.
type published struct {
	rawlog.File
	truth  gen.Truth
	raw    bool // uploaded as given: there is no truth
	listed bool
	stored bool // the object is there
	late   bool // it was held back at first
}

// Publish writes a file of generated rows, uploads it and lists it. An existing
// file of that name is replaced.
func (n *Network) Publish(ctx context.Context, name string, spec gen.Spec) (rawlog.File, error) {
	return n.publish(ctx, n.logs, name, spec, true)
}

// PublishBytes uploads a file as it is, broken or not, and lists it. Nothing is
// known of its rows.
func (n *Network) PublishBytes(ctx context.Context, t rawlog.Type, name string, hour time.Time, body []byte) (rawlog.File, error) {
	f, err := n.upload(ctx, rawlog.File{Type: t, Name: name, Hour: hour}, body)
	if err != nil {
		return f, err
	}
	n.add(&published{File: f, raw: true, listed: true, stored: true})
	return f, nil
}

// Unlist takes a file out of the listings; its object stays.
func (n *Network) Unlist(t rawlog.Type, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.files[fileKey{t, name}]; f != nil {
		f.listed = false
	}
}

// Vanish removes a file's object, which listings go on to show.
func (n *Network) Vanish(ctx context.Context, t rawlog.Type, name string) error {
	key := n.Key(t, name)
	if _, err := n.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &n.cfg.Bucket, Key: &key}); err != nil {
		return fmt.Errorf("simnet: removing %s: %w", key, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if f := n.files[fileKey{t, name}]; f != nil {
		f.stored = false
	}
	return nil
}

func (n *Network) publish(ctx context.Context, logs *gen.Network, name string, spec gen.Spec, listed bool) (rawlog.File, error) {
	if spec.Zone == nil {
		spec.Zone = n.cfg.Zone
	}
	n.Reports.published(name, logs, spec)
	var zip bytes.Buffer
	inner := strings.TrimSuffix(path.Base(name), ".zip") + ".csv"
	truth, err := logs.WriteZip(&zip, inner, spec)
	if err != nil {
		return rawlog.File{}, fmt.Errorf("simnet: %s: %w", name, err)
	}
	f, err := n.upload(ctx, rawlog.File{Type: spec.Type, Name: name, Hour: spec.Hour}, zip.Bytes())
	if err != nil {
		return f, err
	}
	n.add(&published{File: f, truth: truth, listed: listed, stored: true, late: !listed})
	return f, nil
}

func (n *Network) upload(ctx context.Context, f rawlog.File, body []byte) (rawlog.File, error) {
	key := n.Key(f.Type, f.Name)
	out, err := n.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &n.cfg.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/zip"),
	})
	if err != nil {
		return f, fmt.Errorf("simnet: uploading %s: %w", key, err)
	}
	f.Size, f.ETag = int64(len(body)), strings.Trim(aws.ToString(out.ETag), `"`)
	return f, nil
}

func (n *Network) add(f *published) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files[fileKey{f.Type, f.Name}] = f
}
