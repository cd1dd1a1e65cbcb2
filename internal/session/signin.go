package session

import (
	"log/slog"

	"rawlogs/internal/config"
	"rawlogs/internal/hasoffers"
)

// SignIns makes the sign-ins of all networks. An integrator's is made once and
// shared by its networks, as its token opens all of them. It is for one goroutine.
type SignIns struct {
	// CacheDir is a private folder that keeps an integrator's token for the next
	// run; "" keeps it in memory only.
	CacheDir string

	integrators map[config.SignIn]*hasoffers.Integrator
}

func (all *SignIns) of(s config.SignIn, log *slog.Logger) (hasoffers.Auth, error) {
	switch s.Way() {
	case config.APIKey:
		return hasoffers.APIKey{Key: string(s.Key), Side: s.Side}, nil
	case config.Token:
		return hasoffers.NetworkToken(s.Token), nil
	default:
	}
	client := s
	client.Token, client.Calls, client.Per = "", 0, 0 // what networks of one client differ in
	if shared := all.integrators[client]; shared != nil {
		return shared, nil
	}
	if all.CacheDir == "" {
		log.Debug("no folder for caches: the sign-in is not kept for the next run")
	}
	i, err := hasoffers.NewIntegrator(hasoffers.IntegratorConfig{
		ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), IntegratorID: s.IntegratorID,
		Audience: s.Audience, AuthURL: s.AuthURL, CacheDir: all.CacheDir, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if all.integrators == nil {
		all.integrators = map[config.SignIn]*hasoffers.Integrator{}
	}
	all.integrators[client] = i
	return i, nil
}
