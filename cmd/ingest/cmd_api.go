package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rawlogs/internal/apicall"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/session"
)

// APIOptions are the flags of `ingest api`.
type APIOptions struct {
	apicall.Words
	Yes     bool
	Secrets bool
}

// AddFlags adds them to f.
func (o *APIOptions) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.All, "all", false, "fetch every page and print all rows together")
	f.StringArrayVar(&o.Filters, "filter", nil, "only rows that match: 'id>100', 'name~%loan%', 'status!=deleted'; may be repeated")
	f.StringArrayVar(&o.Sort, "sort", nil, "order: FIELD, or -FIELD for the highest first; may be repeated")
	f.StringSliceVar(&o.Fields, "field", nil, "fields to request")
	f.StringSliceVar(&o.Contain, "contain", nil, "related entities to include")
	f.IntVar(&o.Limit, "limit", 0, "rows a page (with --all: rows a call, default 500)")
	f.IntVar(&o.Page, "page", 0, "page to print, from 1")
	f.BoolVarP(&o.Yes, "yes", "y", false, "do not ask before a call that changes something")
	f.BoolVar(&o.Secrets, "show-secrets", false, "print tokens, keys, salts and signatures in the answer unmasked")
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
something: it needs your confirmation, and is refused without a terminal unless
--yes is given. @FILE uploads a file; NAME=@@TEXT is the text @TEXT. Operators of --filter:
= != < <= > >= ~ (LIKE) !~ (NOT_LIKE), and in words: ` + strings.Join(hasoffers.Operators(), ", ") + `.

` + exits(exitDone, exitFailed, exitUsage, exitInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Args = args
			call, err := apicall.Parse(o.Words)
			if err != nil {
				return &usageError{err: err}
			}
			return a.oneNetwork(cmd, func(ctx context.Context, s *session.Session) error {
				return a.runAPI(ctx, s, o, call)
			})
		},
	}
	o.AddFlags(cmd.Flags())
	return cmd
}

func (a *app) runAPI(ctx context.Context, s *session.Session, o APIOptions, call apicall.Call) error {
	client, err := s.API()
	if err != nil {
		return err
	}
	if call.Op.Changes && !o.Yes {
		if err = a.confirm(call.Op, s.Config.Network); err != nil {
			return err
		}
	}
	data, err := call.Do(ctx, client)
	if err != nil {
		return err
	}
	if !o.Secrets {
		data = apicall.Hide(data, append(s.Config.SignIn.Secrets(), client.Auth.Secrets()...)) // a bearer token among them
	}
	text, err := apicall.Text(call.Op, data)
	if err == nil {
		_, err = io.WriteString(a.stdout, text)
	}
	return err
}

// confirm asks before a change.
func (a *app) confirm(op hasoffers.Op, network string) error {
	return a.agree(fmt.Sprintf("%s may change something, and there is no terminal to ask for confirmation", op), sayYes, apicall.Question(op, network))
}
