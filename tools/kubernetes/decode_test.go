// Package kubernetes reads the manifests that `ingest unit kubernetes` prints by the
// API's own types. It is a module of its own, so that those stay out of ours.
package kubernetes

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// read decodes one manifest strictly: a field that the API does not know, or one that is
// there twice, is an error.
func read(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "unit", "testdata", "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestCronJob(t *testing.T) {
	t.Parallel()
	var job batch.CronJob
	read(t, "ingest-cronjob.yaml", &job)
	if job.APIVersion != "batch/v1" || job.Kind != "CronJob" {
		t.Errorf("it is a %s of %s", job.Kind, job.APIVersion)
	}
	spec := job.Spec
	if spec.ConcurrencyPolicy != batch.ForbidConcurrent || spec.TimeZone == nil || *spec.TimeZone != "Europe/Prague" || spec.Schedule != "30 4,16 * * *" || *spec.StartingDeadlineSeconds != 6*3600 {
		t.Errorf("the schedule is %+v", spec)
	}
	if template := spec.JobTemplate.Spec; *template.BackoffLimit != 3 || *template.ActiveDeadlineSeconds != 11*3600 {
		t.Errorf("the limits are %+v", template)
	}
	failures(t, spec.JobTemplate.Spec.PodFailurePolicy, batch.PodFailurePolicyActionFailJob)
	pod(t, spec.JobTemplate.Spec.Template.Spec, true)
	var claim core.PersistentVolumeClaim
	read(t, "ingest-store.yaml", &claim)
	if claim.Kind != "PersistentVolumeClaim" || claim.Name != "ingest-store" || claim.Spec.Resources.Requests.Storage().String() != "50Gi" {
		t.Errorf("the claim is %+v", claim)
	}
}

func TestBackfill(t *testing.T) {
	t.Parallel()
	var job batch.Job
	read(t, "acme-backfill.yaml", &job)
	spec := job.Spec
	if job.Kind != "Job" || *spec.CompletionMode != batch.IndexedCompletion || *spec.Completions != 4 || *spec.Parallelism != 4 || *spec.BackoffLimitPerIndex != 3 || *spec.MaxFailedIndexes != 4 {
		t.Errorf("the job is %+v", spec)
	}
	failures(t, spec.PodFailurePolicy, batch.PodFailurePolicyActionFailIndex)
	pod(t, spec.Template.Spec, false)
	if args := spec.Template.Spec.Containers[0].Args; len(args) != 6 || args[3] != "index/4" || args[4] != "2015" {
		t.Errorf("the arguments are %q", args)
	}
	for _, env := range spec.Template.Spec.Containers[0].Env {
		if env.Value != "" || env.ValueFrom.SecretKeyRef.Name != "acme-secret" {
			t.Errorf("%s is %+v", env.Name, env)
		}
	}
}

// What was set is what the pod's environment has, whatever YAML would make of it.
func TestSettings(t *testing.T) {
	t.Parallel()
	var settings core.ConfigMap
	read(t, "acme-settings.yaml", &settings)
	for name, want := range map[string]string{
		"INGEST_FILES":         "(?P<type>\\w+)%d-\"q\" $HOME `x` $$ 'q'_(?P<day>\\d{8})\n(?P<type>\\w+): #x_(?P<day>\\d{8})",
		"HASOFFERS_NETWORK_ID": "010",
	} {
		if got := settings.Data[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The Secret is an example: uncommented it is one, as printed it is nothing.
func TestSecret(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "internal", "unit", "testdata", "kubernetes", "acme-secret.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var nothing map[string]any
	if err := yaml.UnmarshalStrict(text, &nothing); err != nil || len(nothing) > 0 {
		t.Errorf("as printed it is %v, %v", nothing, err)
	}
	_, form, ok := bytes.Cut(text, []byte("or as a manifest:\n#\n"))
	var secret core.Secret
	if err := yaml.UnmarshalStrict(bytes.ReplaceAll(form, []byte("# "), nil), &secret); !ok || err != nil || secret.Kind != "Secret" || secret.Name != "acme-secret" || len(secret.StringData) != 5 {
		t.Errorf("the form is %+v, %v", secret, err)
	}
}

func failures(t *testing.T, policy *batch.PodFailurePolicy, unmended batch.PodFailurePolicyAction) {
	t.Helper()
	got := map[int32]batch.PodFailurePolicyAction{}
	for _, rule := range policy.Rules {
		if rule.OnExitCodes == nil {
			continue
		}
		for _, code := range rule.OnExitCodes.Values {
			got[code] = rule.Action
		}
	}
	want := map[int32]batch.PodFailurePolicyAction{2: batch.PodFailurePolicyActionFailJob, 3: unmended, 75: batch.PodFailurePolicyActionIgnore, 130: batch.PodFailurePolicyActionIgnore}
	for code, action := range want {
		if got[code] != action || len(got) != len(want) {
			t.Errorf("exit status %d is %q, want %q", code, got[code], action)
		}
	}
}

func pod(t *testing.T, spec core.PodSpec, embedded bool) {
	t.Helper()
	c := spec.Containers[0]
	if spec.RestartPolicy != core.RestartPolicyNever || !*spec.SecurityContext.RunAsNonRoot || spec.SecurityContext.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		*spec.AutomountServiceAccountToken || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("the pod may do more than it should: %+v", spec)
	}
	volumes := map[string]core.Volume{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = v
	}
	for _, mount := range c.VolumeMounts {
		if _, ok := volumes[mount.Name]; !ok {
			t.Errorf("nothing is mounted as %s", mount.Name)
		}
		delete(volumes, mount.Name)
	}
	if len(volumes) > 0 {
		t.Errorf("these are mounted nowhere: %v", volumes)
	}
	claims := 0
	for _, v := range spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			claims++
		}
	}
	if (claims == 1) != embedded {
		t.Errorf("%d claims", claims)
	}
}
