package testkit_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rawlogs/internal/testkit"
)

// The server speaks the SDK's protocol, and keeps what is received until it is deleted.
func TestSQS(t *testing.T) {
	t.Parallel()
	q := testkit.SQS(t)
	q.Send("a", "b")
	got, err := q.Client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
	if err != nil || len(got.Messages) != 2 || aws.ToString(got.Messages[0].Body) != "a" {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := q.Client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if waiting, received := q.Left(); waiting != 0 || received != 1 {
		t.Errorf("%d waiting, %d received", waiting, received)
	}
}
