// Package apicall is `ingest api`: it makes a call of the words on a command line, asks
// before a change, and makes the answer fit to be shown.
package apicall

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
	"rawlogs/internal/secret"
	"rawlogs/internal/term"
)

// Words are a call as it is written on a command line.
type Words struct {
	Args    []string // TARGET METHOD [NAME=VALUE…] [NAME=@FILE]
	All     bool     // follow the pages
	Fields  []string
	Contain []string
	Filters []string
	Sort    []string
	Limit   int
	Page    int
}

// Call is a call of the API, of one page or of all.
type Call struct {
	Op    hasoffers.Op
	Query hasoffers.Query
	All   bool
}

// Parse reads the words, and the files that they upload. Its errors say which word is
// wrong.
func Parse(w Words) (Call, error) {
	op, err := parseOp(w.Args)
	if err != nil {
		return Call{}, err
	}
	q := hasoffers.Query{Fields: w.Fields, Contain: w.Contain, Limit: w.Limit, Page: w.Page}
	if q.Filters, err = ParseFilters(w.Filters); err != nil {
		return Call{}, err
	}
	for _, text := range w.Sort {
		s, err := hasoffers.ParseSort(text)
		if err != nil {
			return Call{}, fmt.Errorf("--%w", err)
		}
		q.Sort = append(q.Sort, s)
	}
	switch {
	case w.Limit < 0 || w.Page < 0:
		return Call{}, fmt.Errorf("--limit and --page: want numbers above 0")
	case w.All && op.Changes:
		return Call{}, fmt.Errorf("--all is for methods that read, not for %s", op)
	case w.All && w.Page > 0:
		return Call{}, fmt.Errorf("--all and --page exclude each other")
	case w.All && w.Limit == 0:
		q.Limit = 500
	case w.Page > 0 && w.Limit == 0:
		return Call{}, fmt.Errorf("--page needs --limit")
	}
	return Call{op, q, w.All}, nil
}

// reserved are the parameters that the client sets itself.
var reserved = []string{"NetworkId", "NetworkToken", "IntegratorId", "api_key", "Target", "Method"}

func parseOp(args []string) (hasoffers.Op, error) {
	if len(args) < 2 || strings.Contains(args[0], "=") || strings.Contains(args[1], "=") {
		return hasoffers.Op{}, fmt.Errorf("ingest api: want a TARGET and a METHOD, such as Offer findAll")
	}
	op := hasoffers.Op{Target: args[0], Method: args[1], Params: url.Values{}, Changes: !hasoffers.ReadOnly(args[1])}
	for _, arg := range args[2:] {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok || name == "":
			return op, fmt.Errorf("%q: want NAME=VALUE or NAME=@FILE", arg)
		case slices.ContainsFunc(reserved, func(s string) bool { return strings.EqualFold(s, name) }):
			return op, fmt.Errorf("%s comes from the configuration, never from the command line", name)
		case strings.HasPrefix(value, "@@"):
			op.Params.Add(name, value[1:])
		case strings.HasPrefix(value, "@"):
			if !op.Changes {
				return op, fmt.Errorf("%s: %s::%s reads only and takes no file; %s=@%s is the text %s", name, op.Target, op.Method, name, value, value)
			}
			content, err := os.ReadFile(value[1:])
			if err != nil {
				return op, fmt.Errorf("%s: %w", name, err)
			}
			op.Files = append(op.Files, hasoffers.Upload{Param: name, FileName: filepath.Base(value[1:]), Content: content})
		default:
			op.Params.Add(name, value)
		}
	}
	return op, nil
}

// ParseFilters reads conditions such as id>100.
func ParseFilters(texts []string) ([]hasoffers.Filter, error) {
	var filters []hasoffers.Filter
	for _, text := range texts {
		f, err := hasoffers.ParseFilter(text)
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// Do makes the call and returns the answer's data.
func (c Call) Do(ctx context.Context, client *hasoffers.Client) (json.RawMessage, error) {
	if c.All {
		return client.AllPages(ctx, c.Op, c.Query)
	}
	c.Query.AddTo(c.Op.Params)
	return client.Do(ctx, c.Op)
}

// Question asks on a terminal whether a change is meant. Values are shown as they will
// be sent.
func Question(op hasoffers.Op, network string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(op.Params)) {
		words = append(words, name+"="+strings.Join(op.Params[name], ","))
	}
	for _, f := range op.Files {
		words = append(words, fmt.Sprintf("%s=@%s (%s)", f.Param, f.FileName, term.Size(int64(len(f.Content)))))
	}
	return fmt.Sprintf("%s on network %s: %s\nThis may change something. Go on? [y/N] ", plain.Text(op.String()), plain.Text(network), plain.Text(strings.Join(words, " ")))
}

// Hide takes our own secrets out of an answer's data, and whatever is named or signed
// like a credential.
func Hide(data json.RawMessage, secrets []string) json.RawMessage {
	exact := secret.Exact(secrets)
	return term.Redacted(data, func(text string) string {
		text = exact(text)
		if strings.Contains(text, "=") { // a link, or a query; other texts are the network's own, and stay as they are
			text = secret.Redact(text)
		}
		return text
	})
}

// Text is an answer's data as lines for people and programs.
func Text(op hasoffers.Op, data json.RawMessage) (string, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return "", fmt.Errorf("%s: the answer's data: %w", op, err)
	}
	out.WriteByte('\n')
	return plain.JSON(out.String()), nil
}
