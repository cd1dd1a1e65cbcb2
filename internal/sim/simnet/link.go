package simnet

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// presign makes the link of a file. An expired one was signed long ago: the
// storage itself refuses it.
func (n *Network) presign(ctx context.Context, key string) (string, error) {
	valid, expired := n.Faults.link(n.cfg.LinkValid)
	client := s3.NewPresignClient(n.client, func(o *s3.PresignOptions) {
		o.Expires = valid
		if expired {
			o.Presigner = pastSigner{signer: v4.NewSigner(), ago: valid + time.Hour}
		}
	})
	req, err := client.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &n.cfg.Bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("simnet: presigning %s: %w", key, err)
	}
	return req.URL, nil
}

type pastSigner struct {
	signer *v4.Signer
	ago    time.Duration
}

func (p pastSigner) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) (string, http.Header, error) {
	return p.signer.PresignHTTP(ctx, c, r, hash, service, region, at.Add(-p.ago), append(opts, func(o *v4.SignerOptions) {
		// As the SDK's own does for S3: keys are signed as they stand.
		o.DisableURIPathEscaping = true
	})...)
}
