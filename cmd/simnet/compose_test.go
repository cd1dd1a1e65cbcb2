package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// composeFile is the part of docker-compose.yml that the checks here read.
type composeFile struct {
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Target string }
		Command     []string
		Environment map[string]string
		Ports       []string
		Volumes     []string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck struct{ Test []string }
	}
	Volumes map[string]any
}

// wantPinned wants an image, if there is one, of a version.
func wantPinned(t *testing.T, service, image string) {
	t.Helper()
	if image != "" && (!strings.Contains(image, ":") || strings.HasSuffix(image, ":latest")) {
		t.Errorf("%s: image %s is not pinned", service, image)
	}
}

// Where no Docker is at hand this is what tells that the files fit together.
func TestComposeFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	docker, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 4 {
		t.Errorf("%d services, want 4", len(c.Services))
	}
	// Names that URLs in the file may lead to, with the ports they serve.
	serves := map[string]string{"s3": "7070", "simnet": "8080", "clickhouse": "9000"}
	host := regexp.MustCompile(`(?:http://|@)([a-z0-9]+):(\d+)`)
	reference := regexp.MustCompile(`\$\{(\w+)`)
	var required []string
	for _, m := range regexp.MustCompile(`\$\{(\w+):\?`).FindAllStringSubmatch(string(text), -1) {
		required = append(required, m[1])
	}
	for name, s := range c.Services {
		if (s.Image == "") == (s.Build.Target == "") {
			t.Errorf("%s: want either an image or a build", name)
		}
		wantPinned(t, name, s.Image)
		if s.Build.Target != "" && !strings.Contains(string(docker), " AS "+s.Build.Target+"\n") {
			t.Errorf("%s: the Dockerfile has no stage %s", name, s.Build.Target)
		}
		for other, on := range s.DependsOn {
			if on.Condition != "service_healthy" || len(c.Services[other].Healthcheck.Test) == 0 {
				t.Errorf("%s: depends on %s, which has no health check", name, other)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, p)
			}
		}
		for _, v := range s.Volumes {
			if _, ok := c.Volumes[strings.SplitN(v, ":", 2)[0]]; !ok {
				t.Errorf("%s: volume %s is not declared", name, v)
			}
		}
		texts := append(slices.Clone(s.Command), s.Healthcheck.Test...)
		for key, value := range s.Environment {
			texts = append(texts, value)
			secret := regexp.MustCompile(`PASSWORD|TOKEN|KEY$|KEY_ID$|STORE$`).MatchString(key) && !strings.Contains(key, "KEEP")
			if secret && !strings.Contains(value, "${") {
				t.Errorf("%s: %s is a literal", name, key)
			}
			for _, m := range reference.FindAllStringSubmatch(value, -1) {
				if !slices.Contains(required, m[1]) {
					t.Errorf("%s: %s would be empty without anybody noticing", name, m[1])
				}
			}
		}
		for _, text := range texts {
			for _, m := range host.FindAllStringSubmatch(text, -1) {
				if m[1] != "127" && serves[m[1]] != m[2] {
					t.Errorf("%s: nobody serves %s:%s", name, m[1], m[2])
				}
				if _, waits := s.DependsOn[m[1]]; m[1] != "127" && !waits {
					t.Errorf("%s: uses %s and does not wait for it", name, m[1])
				}
			}
		}
	}
	var o options
	flags := pflag.NewFlagSet("simnet", pflag.ContinueOnError)
	o.addFlags(flags)
	if err := flags.Parse(c.Services["simnet"].Command); err != nil || o.addr != ":8080" || o.s3Endpoint == "" {
		t.Errorf("simnet's command: %v, %+v", err, o)
	}
}

// The files of contrib/cluster name each other's services.
func TestClusterComposeFile(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile("../../contrib/cluster/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var c struct {
		Services map[string]struct {
			Image       string
			Environment map[string]string
			Volumes     []string
		}
	}
	text := read("docker-compose.yml")
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	for file, element := range map[string]string{"server.xml": "host", "keeper.xml": "hostname"} {
		named := 0
		config := read(file)
		for _, m := range regexp.MustCompile("<"+element+">(.*?)</").FindAllStringSubmatch(config, -1) {
			if _, is := c.Services[m[1]]; !is {
				t.Errorf("%s: %s is no service", file, m[1])
			}
			named++
		}
		if named < 3 {
			t.Errorf("%s names %d hosts", file, named)
		}
		for _, m := range regexp.MustCompile(`from_env="(.*?)"`).FindAllStringSubmatch(config, -1) {
			for name, s := range c.Services {
				mounted := slices.ContainsFunc(s.Volumes, func(v string) bool { return strings.HasPrefix(v, "./"+file+":") })
				if mounted && s.Environment[m[1]] == "" {
					t.Errorf("%s lacks %s, which %s asks for", name, m[1], file)
				}
			}
		}
	}
	shards := map[string]string{}
	for name, s := range c.Services {
		wantPinned(t, name, s.Image)
		if replica := s.Environment["REPLICA"]; replica != "" {
			shards[replica] = s.Environment["SHARD"]
			if replica != name {
				t.Errorf("%s calls itself %s", name, replica)
			}
		}
	}
	if want := map[string]string{"ch11": "1", "ch12": "1", "ch21": "2", "ch22": "2"}; !maps.Equal(shards, want) {
		t.Errorf("shards by replica: %v, want %v", shards, want)
	}
	if spec := c.Services["ingest"].Environment["INGEST_STORE"]; !strings.Contains(spec, "cluster=logs") || !strings.Contains(read("server.xml"), "<logs>") {
		t.Errorf("the load goes to %q", spec)
	}
}
