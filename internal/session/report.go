package session

import (
	"context"
	"fmt"
	"strings"
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
	if err := s.checkPartner(); err != nil {
		return nil, err
	}
	cfg := convreport.Config{Client: client, Side: s.Config.SignIn.Partner(), Zone: s.Config.Zones.Now(), Spool: s.Config.Spool, Log: s.Log}
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
	if side := s.Config.SignIn.Partner(); side != "" {
		return []Finding{{Level: "ok", What: "api", Detail: fmt.Sprintf("network %s answers the key with the %s's report of conversions; in the store it is %s. Raw logs need a network's token or an integrator",
			s.Config.NetworkID, strings.ToLower(side), s.Config.Network)}}
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
	if side := s.Config.SignIn.Partner(); side != "" && !opts.DryRun {
		if err = s.knowPartner(ctx, src, side); err != nil {
			return sum, nil, err
		}
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

// PartnerError reports a key whose report cannot be told from the network's.
type PartnerError struct{ text, hint string }

func (e *PartnerError) Error() string { return e.text }

// Hint says what to do.
func (e *PartnerError) Hint() string { return e.hint }

// checkPartner refuses a key without a side, and one used with a source of the whole
// network's rows: the partner's would be mixed with them.
func (s *Session) checkPartner() error {
	switch in := s.Config.SignIn; {
	case in.Way() != config.APIKey:
	case in.Side == "":
		return &PartnerError{"the report of conversions by an api_key: nobody says whose key it is", "set api_key_side (HASOFFERS_API_KEY_SIDE) to affiliate or advertiser"}
	case s.Config.Source.Kind != config.API: //guard:partner-beside-source
		return &PartnerError{fmt.Sprintf("the key shows a part of network %s, and %s holds rows of the whole network", s.Config.Network, s.Config.Source),
			"load the partner's report as a network of its own: without the source, or as another member of networks: with source: hasoffers:"}
	}
	return nil
}

// knowPartner tells the source whose conversions the store has under the network's name, if
// it has any: those of another partner are not to stand among them.
func (s *Session) knowPartner(ctx context.Context, src *convreport.Source, side string) error {
	st, err := s.Store(ctx)
	if err != nil {
		return err
	}
	column := strings.ToLower(side) + "_id"
	return s.again(ctx, func() error {
		var ids []string
		if err := st.Conn().QueryRow(ctx, "SELECT groupUniqArray(2)(toString("+column+")) FROM "+st.TableName("conversion_report")+" WHERE network = ? AND "+column+" != 0", s.Config.Network).Scan(&ids); err != nil {
			return fmt.Errorf("whose conversions the store has: %w", err)
		}
		if len(ids) > 0 {
			src.Of(ids[0])
		}
		return nil
	})
}
