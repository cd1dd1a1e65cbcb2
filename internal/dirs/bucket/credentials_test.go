package bucket_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rawlogs/internal/dirs"
	"rawlogs/internal/dirs/bucket"
	"rawlogs/internal/testkit"
)

// Credentials that were set up and cannot be had are told as such, and nothing is asked
// for without them. Not parallel, as the environment is the process's.
func TestCredentialsAreTold(t *testing.T) {
	store := testkit.S3(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	text := "[profile process]\ncredential_process = false\n[profile sso]\nsso_session=my\nsso_account_id=1\nsso_role_name=r\n" +
		"[sso-session my]\nsso_region=us-east-1\nsso_start_url=http://127.0.0.1:1/\n[profile chain]\nrole_arn=arn:aws:iam::1:role/r\nsource_profile=nobody\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	metadata := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, env := range map[string]map[string]string{
		"a process that fails":                 {"AWS_PROFILE": "process"},
		"a session that was never begun":       {"AWS_PROFILE": "sso"},
		"a profile that is not there":          {"AWS_PROFILE": "nosuch"},
		"a profile that builds on none":        {"AWS_PROFILE": "chain"},
		"a token file that is gone":            {"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "gone"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"},
		"a container's service that is away":   {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"},
		"a metadata service that fails":        {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata(http.StatusInternalServerError)},
		"a metadata service without its roles": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata(http.StatusForbidden)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range store.Env() {
				if variable, value, _ := strings.Cut(pair, "="); !strings.Contains(variable, "ACCESS_KEY") {
					t.Setenv(variable, value)
				}
			}
			for variable, value := range map[string]string{
				"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
				"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
			} {
				t.Setenv(variable, value)
			}
			for variable, value := range env {
				t.Setenv(variable, value)
			}
			_, err := dirs.First(t.Context(), bucket.New(bucket.Location{Bucket: store.Bucket}, bucket.Config{}))
			var told *bucket.CredentialsError
			if err == nil || strings.Contains(err.Error(), "AccessDenied") || !errors.As(err, &told) && !strings.Contains(err.Error(), "profile") {
				t.Errorf("%v", err)
			}
		})
	}
}
