package queue_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rawlogs/internal/queue"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]queue.Address{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/events":   {Region: "eu-west-1", Endpoint: "https://sqs.eu-west-1.amazonaws.com"},
		"https://sqs.cn-north-1.amazonaws.com.cn/1/e":               {Region: "cn-north-1", Endpoint: "https://sqs.cn-north-1.amazonaws.com.cn"},
		"https://sqs.us-gov-west-1.amazonaws.com/1/e.fifo":          {Region: "us-gov-west-1", Endpoint: "https://sqs.us-gov-west-1.amazonaws.com"},
		"https://vpce-0a1b-2c.sqs.us-east-1.vpce.amazonaws.com/1/e": {Region: "us-east-1", Endpoint: "https://vpce-0a1b-2c.sqs.us-east-1.vpce.amazonaws.com"},
		"https://queue.amazonaws.com/1/e":                           {Region: "us-east-1"},
		"https://eu-west-1.queue.amazonaws.com/1/e":                 {Region: "eu-west-1"},
		"http://127.0.0.1:4566/000000000000/e":                      {Endpoint: "http://127.0.0.1:4566"},
		"https://sqs.eu-west-1.amazonaws.com.example.org/1/e":       {Endpoint: "https://sqs.eu-west-1.amazonaws.com.example.org"},
	} {
		want.URL = url
		if got, err := queue.ParseAddress(url); got != want || err != nil {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for _, url := range []string{"", "events", "arn:aws:sqs:eu-west-1:1:e", "https://sqs.eu-west-1.amazonaws.com/", "ftp://x/1/e", "https://u:canary@x/1/e", "https://x/1/e?canary=1", "https://x/\x01"} {
		if _, err := queue.ParseAddress(url); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "https://sqs.eu-west-1") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// settings gives the SDK an environment; not parallel, as it is the process's.
func settings(t *testing.T, pairs ...string) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

// wants fails the test unless an error has the words in its text or hint, and no secret.
func wants(t *testing.T, err error, words ...string) {
	t.Helper()
	var own *queue.Error
	if !errors.As(err, &own) {
		t.Errorf("%v", err)
		return
	}
	text := err.Error() + "; " + own.Hint()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q lacks %q", text, w)
		}
	}
	if strings.Contains(text, "CANARY") || strings.Contains(text, "Signature=") {
		t.Errorf("it tells too much: %s", text)
	}
}

// What is missing is named before the queue is asked.
func TestOpen(t *testing.T) {
	settings(t, "AWS_REGION", "eu-west-1")
	_, err := queue.Open(t.Context(), queue.Address{URL: "http://127.0.0.1/1/e", Endpoint: "http://127.0.0.1"})
	wants(t, err, "no AWS credentials", "AWS_ACCESS_KEY_ID")
	settings(t, "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "CANARY")
	_, err = queue.Open(t.Context(), queue.Address{URL: "http://127.0.0.1/1/e", Endpoint: "http://127.0.0.1"})
	wants(t, err, "no region", "AWS_REGION")
	settings(t, "AWS_PROFILE", "nobody", "AWS_REGION", "eu-west-1")
	_, err = queue.Open(t.Context(), queue.Address{URL: "http://127.0.0.1/1/e", Endpoint: "http://127.0.0.1"})
	wants(t, err, "configuration", "nobody")
}

// What a server answers is put into words that say what to do.
func TestRefusals(t *testing.T) {
	settings(t, "AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "CANARY", "AWS_REGION", "eu-west-1")
	for _, tc := range []struct {
		status int
		code   string
		words  []string
	}{
		{400, "AWS.SimpleQueueService.NonExistentQueue", []string{"receiving messages: there is no such queue", "region"}},
		{400, "com.amazonaws.sqs#QueueDoesNotExist", []string{"there is no such queue"}},
		{404, "InvalidAddress", []string{"there is no such queue"}},
		{403, "AccessDeniedException", []string{"not allowed", "403", "sqs:ReceiveMessage", "sqs:DeleteMessage"}},
		{400, "KmsAccessDenied", []string{"not allowed", "kms:Decrypt"}},
		{403, "InvalidClientTokenId", []string{"credentials are refused"}},
		{403, "SignatureDoesNotMatch", []string{"credentials are refused", "clock"}},
		{400, "ExpiredTokenException", []string{"credentials are refused"}},
		{403, "", []string{"not allowed", "403"}},
		{400, "OverLimit", []string{"refused", "OverLimit"}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(tc.status)
			_, _ = w.Write([]byte(`{"__type":"` + tc.code + `","message":"User CANARY may not"}`))
		}))
		at := queue.Address{URL: server.URL + "/1/events", Endpoint: server.URL}
		client, err := queue.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		_, err = queue.New(queue.Config{URL: at.URL, Client: client}).Run(t.Context())
		wants(t, err, tc.words...)
		server.Close()
		if tc.code == "OverLimit" { // and nobody answers any more
			_, err = queue.New(queue.Config{URL: at.URL, Client: client}).Run(t.Context())
			wants(t, err, "no answer", "refused")
		}
	}
}
