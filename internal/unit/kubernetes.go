package unit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"rawlogs/internal/config"
)

// object is a part of a manifest. The marshaller sorts the keys of a map and quotes
// whatever YAML would take for another type: no text is put together here.
type object = map[string]any

// The user of the image, who owns nothing else in a pod.
const podUser = 65532

const (
	spoolPath  = "/var/cache/ingest"
	statePath  = "/var/lib/ingest"
	secretPath = "/etc/ingest/secret"
)

// Kubernetes returns manifests for one network: its settings, its volume, the form of
// its secret, and a CronJob, or an indexed Job for a backfill.
func (j Job) Kubernetes() ([]File, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	if len(j.Networks) != 1 {
		return nil, &Error{errors.New("a CronJob is of one network: name it with --network")}
	}
	if len(j.folders()) > 0 {
		return nil, &Error{fmt.Errorf("%s is a folder of this machine, which a pod does not see: use a bucket or the API", j.folders()[0])}
	}
	if j.Workers > 1 && j.embedded() != "" {
		return nil, &Error{errors.New("--workers run in pods of their own, which cannot share an embedded store: point INGEST_STORE at a server")}
	}
	if minute := j.When.At[0][3:]; slices.ContainsFunc(j.When.At, func(at string) bool { return at[3:] != minute }) {
		return nil, &Error{errors.New("--at: a CronJob has one line for all times: give them the same minute")}
	}
	settings := j.settings()
	documents := []document{{"settings.yaml", object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": j.metadata("settings"), "data": settings}}}
	if j.embedded() != "" {
		documents = append(documents, document{"store.yaml", j.claim()})
	}
	if len(j.Periods) > 0 {
		documents = append(documents, document{"backfill.yaml", j.backfill()})
	} else {
		documents = append(documents, document{"cronjob.yaml", j.cronJob()})
	}
	var files []File
	if secret := j.secret(); secret != "" {
		files = append(files, File{j.Name + "-secret.example.yaml", secret})
	}
	for _, d := range documents {
		text, err := marshal(d.object)
		if err != nil {
			return nil, err
		}
		files = append(files, File{j.Name + "-" + d.name, text})
	}
	return files, nil
}

type document struct {
	name   string
	object object
}

func marshal(o object) (string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(o)
	return b.String(), errors.Join(err, e.Close())
}

func (j Job) metadata(part string) object {
	name := j.Name
	if part != "" {
		name += "-" + part
	}
	return object{"name": name, "labels": object{"app.kubernetes.io/name": j.Name}}
}

// settings are the variables of the pod, from the environment, flags and ingest.yaml
// alike: a pod has no such file.
func (j Job) settings() map[string]string {
	all := map[string]string{"INGEST_SPOOL": spoolPath, "XDG_CACHE_HOME": spoolPath}
	for _, v := range j.Networks[0].Plain {
		switch v.Name {
		case "INGEST_SPOOL", "INGEST_ENGINE_LIBRARY", "INGEST_CONFIG":
			continue // of this machine
		}
		all[v.Name] = v.Value
	}
	if j.embedded() != "" {
		all["INGEST_STORE"] = "embedded:" + statePath + "/clickhouse"
	}
	if network := j.Networks[0].Config.Network; network != "" {
		all["HASOFFERS_NETWORK_ID"] = network
	}
	for _, s := range j.Networks[0].Secrets {
		if s.File != "" {
			all[s.File] = secretPath + "/" + s.Name
		}
	}
	return all
}

// secret is the form of the Secret, all of it commented out: to apply one without
// values would take away those that are there.
func (j Job) secret() string {
	var b strings.Builder
	secrets := j.Networks[0].Secrets
	if len(secrets) == 0 {
		return ""
	}
	b.WriteString("# The secret is made by hand, once, and no value of it is here:\n#\n")
	fmt.Fprintf(&b, "#   kubectl create secret generic %s-secret", j.Name)
	for _, s := range secrets {
		fmt.Fprintf(&b, " \\\n#     --from-file=%s=FILE", secretKey(s))
	}
	fmt.Fprintf(&b, "\n#\n# or as a manifest:\n#\n# apiVersion: v1\n# kind: Secret\n# metadata:\n#   name: %s-secret\n# stringData:\n", j.Name)
	for _, s := range secrets {
		fmt.Fprintf(&b, "#   %s: …\n", secretKey(s))
	}
	return b.String()
}

// secretKey is a secret's name in the Secret.
func secretKey(s config.SecretPlace) string {
	if s.File != "" {
		return s.Name
	}
	return s.Variable
}

func (j Job) claim() object {
	return object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": j.metadata("store"), "spec": object{
		"accessModes": []string{"ReadWriteOnce"},
		"resources":   object{"requests": object{"storage": j.Storage}},
	}}
}

func (j Job) cronJob() object {
	gap := j.When.Gap()
	spec := j.job([]string{"run", "--quiet"})
	// A run that waits for another one, or for its node, ends before the next begins.
	spec["activeDeadlineSeconds"] = int((gap - gap/12) / time.Second)
	return object{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": j.metadata(""), "spec": object{
		"schedule":                   j.schedule(),
		"timeZone":                   j.When.Zone,
		"concurrencyPolicy":          "Forbid",
		"startingDeadlineSeconds":    int(gap / 2 / time.Second),
		"successfulJobsHistoryLimit": 3,
		"failedJobsHistoryLimit":     7,
		"jobTemplate":                object{"metadata": object{"labels": object{"app.kubernetes.io/name": j.Name}}, "spec": spec},
	}}
}

// schedule is one line for all times; their minutes are the same.
func (j Job) schedule() string {
	var hours []string
	for _, at := range j.When.At {
		hours = append(hours, number(at[:2]))
	}
	return number(j.When.At[0][3:]) + " " + strings.Join(hours, ",") + " * * *"
}

// backfill shares the files of the periods among pods, each with a lease on its share.
func (j Job) backfill() object {
	workers := max(j.Workers, 1)
	spec := j.job(append([]string{"backfill", "--quiet", "--worker", fmt.Sprintf("index/%d", workers)}, j.Periods...))
	spec["completionMode"], spec["completions"], spec["parallelism"] = "Indexed", workers, workers
	// A worker's end is its own: another one's files are not left half done for it.
	delete(spec, "backoffLimit")
	spec["backoffLimitPerIndex"], spec["maxFailedIndexes"] = 3, workers
	spec["podFailurePolicy"] = failures("FailIndex")
	spec["ttlSecondsAfterFinished"] = 7 * 24 * 3600
	return object{"apiVersion": "batch/v1", "kind": "Job", "metadata": j.metadata("backfill"), "spec": spec}
}

// job is what both kinds of job have in common.
func (j Job) job(args []string) object {
	return object{
		"backoffLimit":     3,
		"podFailurePolicy": failures("FailJob"),
		"template":         object{"metadata": object{"labels": object{"app.kubernetes.io/name": j.Name}}, "spec": j.pod(args)},
	}
}

// failures is what the exit statuses of ingest mean to a job. 2: the settings are
// wrong. 3: finished, but files have issues, which no second try mends: it shows as
// failed until they are mended or ignored. 75: another run is at work: the pod is tried
// again, uncounted, until the deadline. 130: the pod was stopped, as a disruption does.
func failures(unmended string) object {
	policy := func(action string, codes ...int) object {
		return object{"action": action, "onExitCodes": object{"containerName": "ingest", "operator": "In", "values": codes}}
	}
	return object{"rules": []object{
		policy("FailJob", 2), policy(unmended, 3), policy("Ignore", 75, 130),
		{"action": "Ignore", "onPodConditions": []object{{"type": "DisruptionTarget", "status": "True"}}},
	}}
}

func (j Job) pod(args []string) object {
	embedded := j.embedded() != ""
	mounts := []object{{"name": "spool", "mountPath": spoolPath}, {"name": "tmp", "mountPath": "/tmp"}}
	volumes := []object{{"name": "spool", "emptyDir": object{}}, {"name": "tmp", "emptyDir": object{}}}
	if embedded {
		mounts = append(mounts, object{"name": "store", "mountPath": statePath})
		volumes = append(volumes, object{"name": "store", "persistentVolumeClaim": object{"claimName": j.Name + "-store"}})
	}
	var env []object
	files := false
	for _, s := range j.Networks[0].Secrets {
		if s.File != "" {
			files = true
			continue
		}
		env = append(env, object{"name": s.Variable, "valueFrom": object{"secretKeyRef": object{"name": j.Name + "-secret", "key": s.Variable}}})
	}
	if files {
		mounts = append(mounts, object{"name": "secret", "mountPath": secretPath, "readOnly": true})
		volumes = append(volumes, object{"name": "secret", "secret": object{"secretName": j.Name + "-secret", "defaultMode": 0o440}})
	}
	memory := strings.TrimSuffix(memoryMax(j.Networks[0].Config, embedded), "M") + "Mi"
	container := object{
		"name": "ingest", "image": j.Image, "args": args,
		"envFrom":      []object{{"configMapRef": object{"name": j.Name + "-settings"}}},
		"volumeMounts": mounts,
		"resources":    object{"requests": object{"cpu": "500m", "memory": memory}, "limits": object{"memory": memory}},
		"securityContext": object{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
			"capabilities": object{"drop": []string{"ALL"}},
		},
	}
	if env != nil {
		container["env"] = env
	}
	return object{
		"restartPolicy":                 "Never",
		"automountServiceAccountToken":  false,
		"enableServiceLinks":            false,
		"terminationGracePeriodSeconds": 180,
		"securityContext": object{
			"runAsNonRoot": true, "runAsUser": podUser, "runAsGroup": podUser, "fsGroup": podUser, "fsGroupChangePolicy": "OnRootMismatch",
			"seccompProfile": object{"type": "RuntimeDefault"},
		},
		"containers": []object{container},
		"volumes":    volumes,
	}
}
