package testkit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rawlogs/internal/awssdk"
)

// Queue is an empty queue on a real SQS server, which tells nobody's keys apart.
type Queue struct {
	URL    string
	Client *sqs.Client

	tb testing.TB
}

// SQS returns a fresh queue on the server that all tests of this process share. A message
// that was received and not deleted comes again after a minute, unless the receiver asks
// for another time.
func SQS(tb testing.TB) *Queue {
	tb.Helper()
	endpoint := sharedSQS.acquire(tb)
	client := sqs.New(sqs.Options{
		BaseEndpoint: &endpoint, Region: "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("TESTKEY", "testsecret", ""),
		Retryer:     awssdk.NewRetryer(),
	})
	name := "test-" + strings.ToLower(rand.Text()[:16])
	if _, err := client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "60"}}); err != nil {
		tb.Fatalf("making a queue: %v", err)
	}
	return &Queue{URL: endpoint + "/000000000000/" + name, Client: client, tb: tb}
}

// Send puts messages into the queue, in order.
func (q *Queue) Send(bodies ...string) {
	q.tb.Helper()
	for _, body := range bodies {
		if _, err := q.Client.SendMessage(q.tb.Context(), &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: &body}); err != nil {
			q.tb.Fatalf("sending a message: %v", err)
		}
	}
}

// Left counts the messages that are not deleted: those that wait, and those that somebody
// has received.
func (q *Queue) Left() (waiting, received int) {
	q.tb.Helper()
	out, err := q.Client.GetQueueAttributes(q.tb.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		q.tb.Fatalf("counting messages: %v", err)
	}
	count := func(name types.QueueAttributeName) int {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			q.tb.Fatalf("counting messages: %v", err)
		}
		return n
	}
	return count(types.QueueAttributeNameApproximateNumberOfMessages), count(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
}

// Env is the environment with which a child process reaches the queue.
func (q *Queue) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=TESTKEY", "AWS_SECRET_ACCESS_KEY=testsecret", "AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true"}
}

// sharedSQS is the one server of the process.
var sharedSQS sqsServer

type sqsServer struct {
	mu       sync.Mutex
	users    int
	endpoint string
	stop     func()
}

func (s *sqsServer) acquire(tb testing.TB) string {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		endpoint, stop, err := startSQS(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		s.endpoint, s.stop = endpoint, stop
	}
	s.users++
	tb.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.users--; s.users == 0 {
			s.stop()
		}
	})
	return s.endpoint
}

// startSQS starts a server, which ends when its standard input is closed: at the latest
// with this process.
func startSQS(ctx context.Context) (endpoint string, stop func(), err error) {
	folder, err := sqsFolder()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "node", "serve.mjs")
	cmd.Dir = folder
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, fmt.Errorf("SQS server: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("SQS server: %w", err)
	}
	if err = cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("SQS server: %w", err)
	}
	stop = func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}
	const patience = time.Minute
	slow := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer slow.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("SQS server: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimSpace(line), stop, nil
}

// sqsFolder is where the server's program is: bin/sqs of the checkout, which npm fetches
// where it is absent.
func sqsFolder() (string, error) {
	there := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	path, err := inBin("sqs", there, func(root, _ string) error {
		if out, err := exec.Command("make", "-C", root, "bin/sqs").CombinedOutput(); err != nil {
			return fmt.Errorf("fetching it (`make bin/sqs`): %w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("SQS server: %w", err)
	}
	return path, nil
}
