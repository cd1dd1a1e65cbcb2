package bucket

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"rawlogs/internal/awssdk"
)

// CredentialsError says that credentials are set up and cannot be had.
type CredentialsError struct{ err error }

// Error says why.
func (e *CredentialsError) Error() string {
	return fmt.Sprintf("the S3 credentials that are set up cannot be had: %v", e.err)
}

// Unwrap returns the provider's error.
func (e *CredentialsError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *CredentialsError) Hint() string {
	return "fix the named provider (environment, profile, role or metadata service); for a public bucket, add ?anonymous=true"
}

// withoutCredentials returns why there are none, where nobody set any up, and "" where
// there are some: without any, a bucket may be one that anybody reads. Those that were set up and cannot be had are a
// *CredentialsError: what follows without them would only be refused.
func withoutCredentials(ctx context.Context, cfg aws.Config) (why string, err error) {
	if cfg.Credentials == nil {
		return "none are set up", nil
	}
	short, cancel := context.WithTimeout(ctx, awssdk.Patience)
	defer cancel()
	_, err = cfg.Credentials.Retrieve(short)
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case !unmeant(err): //guard:credentials-error-told
		return "", &CredentialsError{err}
	}
	return "none are set up, and this machine has no role", nil
}

// unmeant reports whether an error is that of the last place where the SDK looks, the
// metadata service of a machine in EC2, which is not there: nobody asked for it.
func unmeant(err error) bool {
	text := strings.ToLower(err.Error())
	if !strings.Contains(text, "ec2 imds") && !strings.Contains(text, "ec2imds") {
		return false
	}
	var answered *smithyhttp.ResponseError
	if errors.As(err, &answered) && answered.HTTPStatusCode() != 404 { // 404: a machine without a role
		return false
	}
	env, envErr := config.NewEnvConfig()
	return envErr == nil && env.EC2IMDSEndpoint == ""
}
