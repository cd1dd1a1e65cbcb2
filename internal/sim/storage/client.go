package storage

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Account is how to reach an S3 server and who to be there.
type Account struct {
	Endpoint, Region     string
	AccessKey, SecretKey string
}

// Account returns the server's root account.
func (s *Server) Account() Account {
	return Account{Endpoint: s.Endpoint, Region: Region, AccessKey: s.AccessKey, SecretKey: s.SecretKey}
}

// Client makes a client of the account that reads nothing of the environment.
func (a Account) Client() *s3.Client {
	cfg := aws.Config{
		Region:                     a.Region,
		Credentials:                credentials.NewStaticCredentialsProvider(a.AccessKey, a.SecretKey, ""),
		HTTPClient:                 awshttp.NewBuildableClient(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint = aws.String(a.Endpoint)
		o.UsePathStyle = true
	})
}

// Env is what a process has to find in its environment to use the account with
// the AWS SDK's own settings.
func (a Account) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_S3=" + a.Endpoint,
		"AWS_REGION=" + a.Region,
		"AWS_ACCESS_KEY_ID=" + a.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + a.SecretKey,
		"AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}
