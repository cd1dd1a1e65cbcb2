package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"rawlogs/internal/rawlog"
)

// S3 opens the objects of a bucket. File.At is the key without Prefix.
type S3 struct {
	Client *s3.Client
	Bucket string
	Prefix string // "" or ending in a slash
}

// Open implements Source.
func (s S3) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*Body, error) {
	in := &s3.GetObjectInput{Bucket: &s.Bucket, Key: aws.String(s.Prefix + f.At())}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	if etag != "" && !weak(etag) {
		in.IfMatch = aws.String(`"` + etag + `"`)
	}
	out, err := s.Client.GetObject(ctx, in)
	if err != nil {
		return nil, s3Error(f, err)
	}
	b := &Body{
		ReadCloser:  out.Body,
		Size:        -1,
		ETag:        unquote(aws.ToString(out.ETag)),
		ContentType: aws.ToString(out.ContentType),
		NoMD5: out.ServerSideEncryption == types.ServerSideEncryptionAwsKms ||
			out.ServerSideEncryption == types.ServerSideEncryptionAwsKmsDsse || out.SSECustomerAlgorithm != nil,
	}
	if out.ContentLength != nil {
		b.Size = *out.ContentLength
	}
	if r := aws.ToString(out.ContentRange); r != "" {
		first, last, total, err := parseContentRange(r)
		if err == nil && first != offset {
			err = fmt.Errorf("asked for bytes from %d on, storage sends them from %d on", offset, first)
		}
		if err == nil && b.Size >= 0 && b.Size != last-first+1 {
			err = fmt.Errorf("Content-Length %d contradicts Content-Range", b.Size)
		}
		if err != nil {
			_ = out.Body.Close()
			return nil, fail(f, Unavailable, err)
		}
		b.Offset, b.Size = first, total
	}
	if b.Size < 0 {
		_ = out.Body.Close()
		return nil, fail(f, Failed, errors.New("storage tells no length, so a body cut short would go unnoticed"))
	}
	return b, nil
}

// s3Error keeps status and code of an SDK error: its text would repeat the
// request and the storage's message.
func s3Error(f rawlog.File, err error) error {
	if errors.Is(err, context.Canceled) {
		return fail(f, Unavailable, context.Canceled) // the caller knows whose cancellation it was
	}
	e := &Error{File: f}
	var answer *awshttp.ResponseError
	var api smithy.APIError
	if errors.As(err, &answer) && answer.Response != nil {
		e.Status = answer.HTTPStatusCode()
	}
	if errors.As(err, &api) {
		e.Code = code(api.ErrorCode())
	}
	switch {
	case e.Status == 0 && e.Code == "":
		return noAnswer(f, err)
	case e.Status == http.StatusOK || e.Status == http.StatusPartialContent:
		e.Kind = Unavailable // an answer whose body broke
	case credentialCode(e.Code): //guard:credentials-end-run
		e.Kind, e.Source = Denied, true
	case e.Code == "NoSuchBucket", e.Status == http.StatusMovedPermanently: // about no single file
		e.Kind, e.Source = Failed, true
	case e.Code == "SlowDown", e.Code == "RequestTimeout", e.Code == "InternalError":
		e.Kind = Unavailable
	default:
		e.Kind = kindOfStatus(e.Status)
	}
	if e.Status == http.StatusMovedPermanently {
		e.Err = errors.New("the bucket is in another region: set AWS_REGION")
	}
	return e
}

// credentialCode reports whether a code is about the credentials and not about
// the object that they were used for.
func credentialCode(code string) bool {
	switch code {
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "InvalidSecurity", "NotSignedUp", "AccountProblem",
		"XAdminUserNotFound": // versitygw's InvalidAccessKeyId, with a 404
		return true
	}
	return false
}

// noAnswer is an SDK error without an answer: the network's, or one of the
// SDK's own, e.g. credentials that cannot be had. The SDK's outer layers, which
// name the endpoint, are left out.
func noAnswer(f rawlog.File, err error) error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return transportError(f, send.Err)
	}
	var network net.Error
	if errors.As(err, &network) {
		return transportError(f, network)
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return fail(f, Failed, bare(err))
}

// S3Error is an SDK error of a call about no single file, e.g. a listing, in
// the same words: kind, status and code, and nothing of the request.
func S3Error(err error) error {
	e := s3Error(rawlog.File{}, err)
	var typed *Error
	if !errors.As(e, &typed) {
		return e
	}
	text := typed.Kind.String()
	if typed.Status != 0 {
		text += fmt.Sprintf(": HTTP %d", typed.Status)
	}
	if typed.Code != "" {
		text += " " + typed.Code
	}
	if typed.Err != nil {
		return fmt.Errorf("%s: %w", text, typed.Err)
	}
	return errors.New(text)
}

// code passes on only what looks like a code.
func code(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.'
	}) {
		return ""
	}
	return s
}
