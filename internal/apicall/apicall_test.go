package apicall_test

import (
	"testing"

	"rawlogs/internal/apicall"
)

func TestHide(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"b":{"salt":"x","Password":"y","id":1.50},"a":[null,true,"<&>"]}`:          `{"b":{"salt":"hidden","Password":"hidden","id":1.50},"a":[null,true,"<&>"]}`,
		`{"link":"https://s3/a.zip?AWSAccessKeyId=K&Expires=5&Signature=S"}`:         `{"link":"https://s3/a.zip?AWSAccessKeyId=hidden&Expires=5&Signature=hidden"}`,
		`{"x":"the CANARY","api_key":"","token":null,"tokens":{"a":"b"},"CANARY":5}`: `{"x":"the hidden","api_key":"","token":null,"tokens":{"a":"b"},"hidden":5}`,
		`[]`: `[]`, `"5"`: `"5"`, `null`: `null`,
	} {
		if got := string(apicall.Hide([]byte(data), []string{"CANARY", ""})); got != want {
			t.Errorf("%s:\n got %s\nwant %s", data, got, want)
		}
	}
}
