// Package render makes the status page of what package page gathered: one document that
// asks for nothing beside itself. Its script and style are allowed by their hashes, and
// texts of others reach it as JSON and as text nodes only.
package render

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"rawlogs/internal/page"
)

//go:embed files
var files embed.FS

// scripts are the parts of the page's script in the order in which they need each other.
func scripts() []string {
	return []string{"dom.js", "clock.js", "model.js", "glyph.js", "repair.js", "tip.js", "calendar.js", "day.js", "charts.js", "tables.js", "main.js"}
}

// document is what the template is given. Script and Style are ours alone.
type document struct {
	page.Data
	Policy string
	Style  template.CSS
	Script template.JS
	JSON   template.JS
	Files  template.JS
	Level  string // the worst headline's
}

var shell = template.Must(template.New("page.html").Funcs(template.FuncMap{"sum": sum, "daysum": daySum, "utc": utc}).ParseFS(files, "files/page.html"))

// Policy is the Content-Security-Policy of the page: of scripts and styles nothing runs
// but the two that are in it.
func Policy() string {
	return "default-src 'none'; script-src " + source(script()) + "; style-src " + source(style()) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func script() string {
	var b strings.Builder
	b.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range scripts() {
		b.WriteString(part(name))
	}
	b.WriteString("})();\n")
	return b.String()
}

func style() string { return part("page.css") }

func part(name string) string {
	text, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// Page writes the document.
func Page(w io.Writer, d page.Data) error {
	// Marshal writes <, >, & and the line separators of JavaScript as escapes, so that no
	// text of others ends the element that it stands in.
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("the page's data: %w", err)
	}
	texts := make([][][]string, len(d.Networks))
	for i, n := range d.Networks {
		for _, c := range n.Types {
			texts[i] = append(texts[i], c.Files)
		}
	}
	names, err := json.Marshal(texts)
	if err != nil {
		return fmt.Errorf("the page's files: %w", err)
	}
	doc := document{Data: d, Policy: Policy(), Style: template.CSS(style()), Script: template.JS(script()), JSON: template.JS(data), Files: template.JS(names), Level: worst(d)}
	var b bytes.Buffer
	b.Grow(len(data) + len(names) + 128<<10)
	if err = shell.Execute(&b, doc); err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// worst is the level of the network that most needs care.
func worst(d page.Data) string {
	order := []string{"good", "warn", "bad"}
	at := 0
	for _, n := range d.Networks {
		for i, level := range order {
			if n.Headline.Level == level {
				at = max(at, i)
			}
		}
	}
	return order[at]
}
