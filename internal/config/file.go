package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	yamlnode "go.yaml.in/yaml/v3"
)

// defaultFile is read when it is there and no other is named.
const defaultFile = "ingest.yaml"

// readFile lays ingest.yaml, or the file that was named, over the defaults.
func (l *Layers) readFile() error {
	path, named := defaultFile, ""
	if env := l.given.Getenv("INGEST_CONFIG"); env != "" {
		path, named = env, "INGEST_CONFIG"
	}
	if name, value, ok := l.given.Flag("config"); ok {
		path, named = value, name
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return nil
	}
	if err != nil {
		return wrong("%s: %w", cmp.Or(named, "configuration"), err)
	}
	l.file = path
	if l.found = named == ""; l.found {
		if err = mayFollow(path); err != nil {
			return err
		}
	}
	values, err := yaml.Parser().Unmarshal(raw)
	if err != nil {
		return wrong("%s: %w", path, err)
	}
	decoder := yamlnode.NewDecoder(bytes.NewReader(raw))
	var doc, more yamlnode.Node
	if err = decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return wrong("%s: %w", path, err)
	}
	if err = decoder.Decode(&more); !errors.Is(err, io.EOF) { //guard:one-document
		return wrong("%s: it holds a second document after ---, which would not be read: make it one", path)
	}
	lines := make(map[string]int)
	if len(doc.Content) > 0 {
		if err := unknownKey(doc.Content[0], path); err != nil {
			return err
		}
		asWritten(doc.Content[0], values)
		lines = keyLines(doc.Content[0])
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := l.take(key, values[key], Origin{Kind: File, Name: path, Line: lines[key]}); err != nil {
			return err
		}
	}
	return nil
}

// take lays one top-level member of the file over the defaults.
func (l *Layers) take(key string, value any, from Origin) (err error) {
	if key == "networks" {
		l.members, err = parseMembers(value, from)
		return err
	}
	known, _ := find(key) // unknownKey has looked them all up
	if value == nil {     // "key:" with nothing after it
		return nil
	}
	if known.join != nil {
		text, err := known.join(value)
		if err != nil {
			return wrong("%s: %w", from, err)
		}
		return l.set(key, text, from)
	}
	switch value.(type) {
	case []any, map[string]any, map[any]any:
		return wrong("%s: %s takes one value, not a list or a map", from, key)
	}
	return l.set(key, beside(key, fmt.Sprint(value), from), from)
}

// beside makes the path of a secret's file relative to the file that names it.
func beside(key, text string, from Origin) string {
	if strings.HasSuffix(key, "_file") {
		return from.beside(text)
	}
	return text
}

// beside is the path in its folder, where o is a file.
func (o Origin) beside(path string) string {
	if o.Kind == File && !filepath.IsAbs(path) {
		return filepath.Join(filepath.Dir(o.Name), path)
	}
	return path
}

// keyLines finds the line of each top-level key; the parsed values have lost it.
func keyLines(top *yamlnode.Node) map[string]int {
	lines := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		lines[top.Content[i].Value] = top.Content[i].Line
	}
	return lines
}

// asWritten gives the ids of networks the text that the file has: to YAML 010 is the
// number 8, and 1e3 is 1000.
func asWritten(node *yamlnode.Node, value any) {
	switch of := value.(type) {
	case map[string]any:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, member := node.Content[i].Value, node.Content[i+1]
			if member.Kind == yamlnode.ScalarNode && (key == "network_id" || key == "id") && of[key] != nil { //guard:ids-as-written
				of[key] = member.Value
				continue
			}
			asWritten(member, of[key])
		}
	case []any:
		for i, member := range node.Content {
			if i < len(of) {
				asWritten(member, of[i])
			}
		}
	}
}
