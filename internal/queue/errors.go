package queue

import (
	"context"
	"errors"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"rawlogs/internal/awssdk"
	"rawlogs/internal/dirs/answer"
	"rawlogs/internal/sentence"
)

// Error is why a queue cannot be used. Its text holds neither a receipt nor a signature.
type Error struct {
	what   string
	status int
	code   string
	err    error
	hint   string
}

// Error reads like receiving messages: not allowed: HTTP 403 AccessDenied.
func (e *Error) Error() string {
	return sentence.Sentence{What: e.what, Status: e.status, Code: e.code, Cause: e.err}.String()
}

// Unwrap returns what lies below, if anything does.
func (e *Error) Unwrap() error { return e.err }

// Hint says what to do.
func (e *Error) Hint() string { return e.hint }

// failed puts an error of the SDK into words. Status and code are kept: the SDK's text
// repeats the request, and the server's names users.
func failed(doing string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := new(Error)
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		e.status = response.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.code = awssdk.Code(api.ErrorCode())
	}
	why := "refused"
	switch kind := kindOf(e.code, e.status); {
	case e.status == 0 && e.code == "":
		why, e.err = "no answer", bare(err)
		e.hint = "is it the queue's URL, and may this machine reach it? Messages that were received come again"
	case kind == absent:
		why, e.hint = "there is no such queue", "compare account, name and region with the queue's URL in the console"
	case kind == unknown:
		why, e.hint = "the credentials are refused", "check the keys that the SDK finds, and this machine's clock"
	case kind == denied:
		why, e.hint = "not allowed", "the user needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on the queue, and kms:Decrypt where it is encrypted by a key of your own"
	case e.status >= http.StatusInternalServerError:
		why, e.hint = "unavailable", "the next run goes on; messages that were received come again"
	}
	e.what = doing + ": " + why
	return e
}

type kind int

const (
	other kind = iota
	absent
	unknown
	denied
)

func kindOf(code string, status int) kind {
	is := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(code, p) {
				return true
			}
		}
		return false
	}
	switch {
	case is("NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"):
		return absent
	case is("InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNotMatch", "ExpiredToken", "InvalidSecurity", "InvalidToken", "IncompleteSignature", "MissingAuthenticationToken", "RequestExpired", "InvalidAccessKeyId", "NotSignedUp", "OptInRequired"):
		return unknown
	case is("AccessDenied", "Kms", "KMS", "NotAuthorized", "UnauthorizedOperation"), status == http.StatusForbidden, status == http.StatusUnauthorized:
		return denied
	}
	return other
}

// bare takes away what names the endpoint and the request.
func bare(err error) error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return answer.Bare(send.Err)
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return answer.Bare(err)
}
