package bucket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"rawlogs/internal/awssdk"
	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/answer"
	"rawlogs/internal/rawlog"
)

// Open implements dirs.Source; File.At is the key without the prefix.
func (s *Source) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	client, err := s.s3(ctx)
	if err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: &s.at.Bucket, Key: aws.String(s.at.Prefix + f.At())}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	if answer.Matchable(etag) {
		in.IfMatch = aws.String(`"` + etag + `"`)
	}
	out, err := client.GetObject(ctx, in)
	if err != nil {
		return nil, errorOf(err)
	}
	b := &dirs.Body{
		ReadCloser:  out.Body,
		Size:        -1,
		ETag:        answer.Tag(aws.ToString(out.ETag)),
		ContentType: aws.ToString(out.ContentType),
		NoMD5: out.ServerSideEncryption == types.ServerSideEncryptionAwsKms ||
			out.ServerSideEncryption == types.ServerSideEncryptionAwsKmsDsse || out.SSECustomerAlgorithm != nil,
	}
	if out.ContentLength != nil {
		b.Size = *out.ContentLength
	}
	if r := aws.ToString(out.ContentRange); r != "" {
		b.Offset, b.Size, err = answer.Part(r, offset, b.Size)
	}
	if err == nil && b.Size < 0 {
		err = dirs.Fail(dirs.Failed, answer.ErrNoLength)
	}
	if err != nil {
		_ = out.Body.Close()
		return nil, err
	}
	return b, nil
}

// errorOf keeps status and code of an SDK error: its text would repeat the
// request and the storage's message.
func errorOf(err error) *dirs.Error {
	if errors.Is(err, context.Canceled) {
		return dirs.Fail(dirs.Unavailable, context.Canceled) // the caller knows whose cancellation it was
	}
	e := new(dirs.Error)
	var response *awshttp.ResponseError
	var api smithy.APIError
	if errors.As(err, &response) && response.Response != nil {
		e.Status = response.HTTPStatusCode()
		e.RetryAfter = answer.RetryAfter(response.Response.Header)
	}
	if errors.As(err, &api) {
		e.Code = awssdk.Code(api.ErrorCode())
	}
	switch {
	case e.Status == 0 && e.Code == "":
		return noAnswer(err)
	case e.Status == http.StatusOK || e.Status == http.StatusPartialContent:
		e.Kind = dirs.Unavailable // an answer whose body broke
	case credentialCode(e.Code): //guard:credentials-end-run
		e.Kind, e.Scope = dirs.Denied, dirs.ScopeRun
	case e.Code == "InvalidObjectState": //guard:archived-object
		e.Kind, e.Err = dirs.Failed, errArchived // its 403 is not about rights
	case e.Code == "NoSuchBucket", e.Status == http.StatusMovedPermanently: // about no single file
		e.Kind, e.Scope = dirs.Failed, dirs.ScopeRun
	case e.Code == "SlowDown", e.Code == "RequestTimeout", e.Code == "InternalError":
		e.Kind = dirs.Unavailable
	default:
		e.Kind = answer.KindOf(e.Status)
	}
	if e.Status == http.StatusMovedPermanently {
		e.Err = errors.New("the bucket is in another region: set AWS_REGION")
	}
	return e
}

// errArchived is of an object whose storage class cannot be read from at once.
var errArchived = errors.New("the object is archived (Glacier or the like): restore it, the next run will load it")

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
func noAnswer(err error) *dirs.Error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return answer.Broken(send.Err)
	}
	var network net.Error
	if errors.As(err, &network) {
		return answer.Broken(network)
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return dirs.Fail(dirs.Failed, answer.Bare(err))
}
