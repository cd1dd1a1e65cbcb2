package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/hasoffers"
	"rawlogs/internal/plain"
	"rawlogs/internal/session"
	"rawlogs/internal/term"
)

// APIOptions are the flags of `ingest api`.
type APIOptions struct {
	All     bool
	Yes     bool
	Secrets bool
	Fields  []string
	Contain []string
	Filters []string
	Sort    []string
	Limit   int
	Page    int
}

// AddFlags adds them to f.
func (o *APIOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.All, "all", false, "follow the pages and print all rows together")
	f.StringArrayVar(&o.Filters, "filter", nil, "only rows that match: 'id>100', 'name~%loan%', 'status!=deleted'; may be repeated")
	f.StringArrayVar(&o.Sort, "sort", nil, "order: FIELD, or -FIELD for the highest first; may be repeated")
	f.StringSliceVar(&o.Fields, "field", nil, "fields to ask for")
	f.StringSliceVar(&o.Contain, "contain", nil, "related entities to bring along")
	f.IntVar(&o.Limit, "limit", 0, "rows a page (with --all: rows a call, default 500)")
	f.IntVar(&o.Page, "page", 0, "page to print, from 1")
	f.BoolVarP(&o.Yes, "yes", "y", false, "do not ask before a call that changes something")
	f.BoolVar(&o.Secrets, "show-secrets", false, "print tokens, keys, salts and signatures of the answer as they are")
}

func newAPI(a *app) *cobra.Command {
	var o APIOptions
	cmd := &cobra.Command{
		Use:   "api TARGET METHOD [NAME=VALUE…] [NAME=@FILE] [flags]",
		Short: "call any method of the API with the configured sign-in; prints response.data",
		Example: `  ingest api Offer findAll --filter 'id>100' --sort -id --field id,name --limit 10
  ingest api Affiliate findAll --all --filter status=active
  ingest api Offer findById id=12 --contain Goal
  ingest api Offer updateField id=12 field=name value='Travel insurance'
  ingest api OfferFile create data[offer_id]=12 data[type]='image banner' file=@banner.png --yes
  ingest api Affiliate_Affiliate getAccountManager          with an api_key`,
		Long: `A method whose name does not begin with find, get, list or count may change
something: it is asked for first, and refused where nobody can be asked, unless
--yes. @FILE uploads a file; NAME=@@TEXT is the text @TEXT. Operators of --filter:
= != < <= > >= ~ (LIKE) !~ (NOT_LIKE), and in words: ` + strings.Join(hasoffers.Operators(), ", ") + `.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			op, q, err := o.parse(args)
			if err != nil {
				return err
			}
			cfg, err := a.configure(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := a.untilStop(cmd.Context())
			defer cancel()
			return a.within(ctx, cfg, func(ctx context.Context, s *session.Session) error {
				return a.runAPI(ctx, s, o, op, q)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

// parse reads the operation and the query that the arguments and flags mean.
func (o *APIOptions) parse(args []string) (hasoffers.Op, hasoffers.Query, error) {
	wrong := func(format string, args ...any) (hasoffers.Op, hasoffers.Query, error) {
		return hasoffers.Op{}, hasoffers.Query{}, &usageError{err: fmt.Errorf(format, args...)}
	}
	if len(args) < 2 || strings.Contains(args[0], "=") || strings.Contains(args[1], "=") {
		return wrong("ingest api: want a TARGET and a METHOD, such as Offer findAll")
	}
	op := hasoffers.Op{Target: args[0], Method: args[1], Params: url.Values{}, Changes: !hasoffers.ReadOnly(args[1])}
	for _, arg := range args[2:] {
		name, value, ok := strings.Cut(arg, "=")
		switch {
		case !ok || name == "":
			return wrong("%q: want NAME=VALUE or NAME=@FILE", arg)
		case slices.ContainsFunc([]string{"NetworkId", "NetworkToken", "IntegratorId", "api_key", "Target", "Method"}, func(s string) bool { return strings.EqualFold(s, name) }):
			return wrong("%s comes from the configuration, never from the command line", name)
		case strings.HasPrefix(value, "@@"):
			op.Params.Add(name, value[1:])
		case strings.HasPrefix(value, "@"):
			if !op.Changes {
				return wrong("%s: %s::%s reads only and takes no file; %s=@%s is the text %s", name, op.Target, op.Method, name, value, value)
			}
			content, err := os.ReadFile(value[1:])
			if err != nil {
				return wrong("%s: %w", name, err)
			}
			op.Files = append(op.Files, hasoffers.Upload{Param: name, FileName: filepath.Base(value[1:]), Content: content})
		default:
			op.Params.Add(name, value)
		}
	}
	q := hasoffers.Query{Fields: o.Fields, Contain: o.Contain, Limit: o.Limit, Page: o.Page}
	var err error
	if q.Filters, err = parseFilters(o.Filters); err != nil {
		return op, q, err
	}
	for _, text := range o.Sort {
		s, err := hasoffers.ParseSort(text)
		if err != nil {
			return wrong("--%w", err)
		}
		q.Sort = append(q.Sort, s)
	}
	switch {
	case o.Limit < 0 || o.Page < 0:
		return wrong("--limit and --page: want numbers above 0")
	case o.All && op.Changes:
		return wrong("--all is for methods that read, not for %s", op)
	case o.All && o.Page > 0:
		return wrong("--all and --page exclude each other")
	case o.All && o.Limit == 0:
		q.Limit = 500
	case o.Page > 0 && o.Limit == 0:
		return wrong("--page needs --limit")
	}
	return op, q, nil
}

func (a *app) runAPI(ctx context.Context, s *session.Session, o APIOptions, op hasoffers.Op, q hasoffers.Query) error {
	client, err := s.API()
	if err != nil {
		return err
	}
	if op.Changes && !o.Yes {
		if err := a.confirm(op, s.Config.Network); err != nil {
			return err
		}
	}
	var data json.RawMessage
	if o.All {
		data, err = client.AllPages(ctx, op, q)
	} else {
		q.AddTo(op.Params)
		data, err = client.Do(ctx, op)
	}
	if err != nil {
		return err
	}
	if !o.Secrets {
		secrets := append(s.Config.SignIn.Secrets(), client.Auth.Secrets()...) // a bearer token among them
		data = term.Redacted(data, func(text string) string { return hidden(text, secrets) })
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return fmt.Errorf("%s: the answer's data: %w", op, err)
	}
	out.WriteByte('\n')
	_, err = io.WriteString(a.stdout, plain.JSON(out.String()))
	return err
}

// hidden hides our own secrets in a text of the API, and signatures in its links.
func hidden(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, s, "hidden"), url.QueryEscape(s), "hidden")
		}
	}
	if strings.Contains(text, "=") {
		text = hasoffers.Redact(text)
	}
	return text
}

// confirm asks before a change. Values are shown as they will be sent.
func (a *app) confirm(op hasoffers.Op, network string) error {
	if _, seen := a.stderr.Terminal(); !seen || !term.IsTerminal(a.stdin) {
		return &usageError{err: fmt.Errorf("%s may change something, and nobody can be asked here", op), hint: "--yes says that it is meant"}
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(op.Params)) {
		words = append(words, name+"="+strings.Join(op.Params[name], ","))
	}
	for _, f := range op.Files {
		words = append(words, fmt.Sprintf("%s=@%s (%s)", f.Param, f.FileName, term.Size(int64(len(f.Content)))))
	}
	_, err := fmt.Fprintf(a.stderr, "%s on network %s: %s\nThis may change something. Go on? [y/N] ", plain.Text(op.String()), plain.Text(network), plain.Text(strings.Join(words, " ")))
	if err != nil {
		return err // a question that nobody saw has no answer
	}
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("not done")
	}
	return nil
}
