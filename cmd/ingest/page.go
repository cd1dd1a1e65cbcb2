package main

import (
	"bytes"
	"context"
	"io"
	"slices"

	"rawlogs/internal/checkpoint"
	"rawlogs/internal/config"
	"rawlogs/internal/dirs"
	"rawlogs/internal/page"
	"rawlogs/internal/page/render"
	"rawlogs/internal/session"
	"rawlogs/internal/store"
	"rawlogs/internal/term"
	"rawlogs/internal/version"
)

// pages gathers the status page of networks that are worked on one after the other.
type pages struct {
	a     *app
	begun bool
	data  page.Data
}

// add gathers a network; without a source nothing is listed.
func (p *pages) add(ctx context.Context, s *session.Session, source func() (dirs.Source, error)) error {
	st, err := s.Look(ctx)
	if err != nil {
		return err
	}
	if !p.begun {
		if p.data, err = page.Start(ctx, st, version.Get().Version); err != nil {
			return err
		}
		p.begun = true
	}
	return p.data.Add(ctx, st, page.Question{Network: s.Config.Network, Names: s.Config.Names, Zones: s.Config.Zones, NotCounted: s.Config.NotCounted, Source: source, Log: s.Log})
}

// write writes the page to a file, or to stdout; nothing if no network could be gathered.
func (p *pages) write(path string) error {
	if !p.begun {
		return nil
	}
	document := func(w io.Writer) error { return render.Page(w, p.data) }
	if path == "-" {
		return document(p.a.stdout)
	}
	return term.Replace(path, document)
}

// site makes the page of every network of a store, again and again.
type site struct {
	st  *store.Store
	all []*config.Config
}

// newSite opens the store of a session, as the user who may only read where there is one.
func (a *app) newSite(ctx context.Context, s *session.Session, all []*config.Config) (*site, error) {
	if _, err := s.Open(ctx, store.Config{Existing: true, Reader: true}); err != nil {
		return nil, err
	}
	st, err := s.Look(ctx)
	return &site{st, all}, err
}

// document is the page as it is now. A store that was away is found again.
func (s *site) document(ctx context.Context) ([]byte, error) {
	text, err := s.once(ctx)
	if err != nil && ctx.Err() == nil && store.Retryable(err) {
		if err = s.st.Recover(ctx); err == nil {
			text, err = s.once(ctx)
		}
	}
	return text, err
}

func (s *site) once(ctx context.Context) ([]byte, error) {
	known, err := checkpoint.Networks(ctx, s.st)
	if err != nil {
		return nil, err
	}
	data, err := page.Start(ctx, s.st, version.Get().Version)
	if err != nil {
		return nil, err
	}
	for _, network := range known {
		cfg := of(s.all, network)
		if err = data.Add(ctx, s.st, page.Question{Network: network, Names: cfg.Names, Zones: cfg.Zones, NotCounted: cfg.NotCounted}); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err = render.Page(&b, data)
	return b.Bytes(), err
}

// of finds a network's settings: its own zone and file names. Those of a single network
// are for whatever the store holds; among several, one that is not named has none.
func of(all []*config.Config, network string) *config.Config {
	at := slices.IndexFunc(all, func(c *config.Config) bool { return c.Network == network })
	switch {
	case at >= 0:
		return all[at]
	case len(all) == 1:
		return all[0]
	}
	return &config.Config{}
}
