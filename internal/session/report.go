package session

import (
	"context"
	"time"

	"rawlogs/internal/config"
	"rawlogs/internal/dirs/convreport"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/pipeline"
	"rawlogs/internal/rawlog"
)

// mostAsking is how many days of the report are asked for at once: all of them share the
// network's rate limit.
const mostAsking = 4

// Report is the network's report of conversions. Without credentials the error is a
// *config.MissingError.
func (s *Session) Report() (*convreport.Source, error) {
	if s.report != nil {
		return s.report, nil
	}
	client, err := s.API()
	if err != nil {
		return nil, err
	}
	cfg := convreport.Config{Client: client, Side: s.Config.SignIn.Side, Zone: s.Config.Zones.Now(), Spool: s.Config.Spool, Log: s.Log}
	if s.Config.SignIn.Way() != config.APIKey && !s.Config.ReportPages { // partners have no such call
		cfg.Links = func(ask convreport.Ask) convreport.Opener { return hoapi.Links(hoapi.Config{Client: client}, ask) }
	}
	s.report = convreport.New(cfg)
	return s.report, nil
}

// checkReport asks for one conversion of today, as a network without raw logs has nothing
// else to list.
func (s *Session) checkReport(ctx context.Context) []Finding {
	src, err := s.Report()
	if err == nil {
		err = src.Probe(ctx, time.Now())
	}
	if err != nil {
		return failure("api", err)
	}
	return []Finding{{Level: "ok", What: "api", Detail: "network " + s.Config.Network + " answers with its report of conversions; raw logs are not asked for (conversions_report: only)"}}
}

// LoadReport is Load for the days of the report of conversions. It also returns the fields
// that the account may not ask for.
func (s *Session) LoadReport(ctx context.Context, opts pipeline.Options) (sum pipeline.Summary, refused []string, err error) {
	src, err := s.Report()
	if err != nil {
		return sum, nil, err
	}
	opts.Types = []rawlog.Type{rawlog.ConversionReport}
	opts.Fetchers = min(s.Config.Fetchers, mostAsking)
	if s.record != nil && !s.loaded { //guard:one-load-a-name
		opts.Name = s.record.Run() // which a load before it would have
	}
	s.loaded = true
	sum, err = s.load(ctx, src, opts)
	s.noteLoad(ctx, src, sum)
	return sum, src.Refused(), err
}
