package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rawlogs/internal/sim/storage"
)

// addresses is what the ready file tells; it holds no secret.
type addresses struct {
	Network string `json:"network"`
	API     string `json:"api"`
	Control string `json:"control"`
	S3      string `json:"s3"`
	Source  string `json:"source"` // the same files as a bucket, for --source
	PID     int    `json:"pid"`
	S3PID   int    `json:"s3_pid,omitempty"`
}

// announce prints where the network is and writes the files that flags name:
// the ready file last, so that who sees it finds the rest. The files go with
// the network.
func announce(o options, a addresses, account storage.Account, token string, stdout io.Writer) (remove func(), err error) {
	var written []string
	remove = func() {
		for _, path := range written {
			_ = os.Remove(path) // gone is what it is to be
		}
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	if o.envFile != "" {
		if err := replaceFile(o.envFile, environment(a, account, token)); err != nil {
			return remove, fmt.Errorf("--env-file: %w", err)
		}
		written = append(written, o.envFile)
	}
	for _, line := range [][2]string{{"network", a.Network}, {"api", a.API}, {"control", a.Control}, {"s3", a.S3}, {"source", a.Source}, {"env", o.envFile}} {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(stdout, "%-8s %s\n", line[0], line[1]); err != nil {
			return remove, err
		}
	}
	if o.readyFile != "" {
		text, err := json.MarshalIndent(a, "", " ")
		if err != nil {
			return remove, err
		}
		if err := replaceFile(o.readyFile, append(text, '\n')); err != nil {
			return remove, fmt.Errorf("--ready-file: %w", err)
		}
		written = append(written, o.readyFile)
	}
	return remove, nil
}

// environment is the exports that ingest needs, to be sourced by a shell.
func environment(a addresses, account storage.Account, token string) []byte {
	var b strings.Builder
	b.WriteString("# Credentials of a simulated network; they end with it.\n")
	for _, v := range append([]string{
		"HASOFFERS_NETWORK_ID=" + a.Network,
		"HASOFFERS_NETWORK_TOKEN=" + token,
		"HASOFFERS_API_URL=" + a.API,
		"SIMNET_CONTROL=" + a.Control,
		"SIMNET_SOURCE=" + a.Source,
	}, account.Env()...) {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return []byte(b.String())
}

// replaceFile writes a file that only this user may read, whole or not at all.
func replaceFile(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
