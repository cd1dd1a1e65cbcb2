package main

import (
	"errors"
	"path/filepath"
	"strings"

	"rawlogs/internal/config"
	"rawlogs/internal/hasoffers"
)

// auth makes the configured sign-in. An integrator's is made once and shared by
// its networks, as its token opens all of them.
func (a *app) auth(cfg *config.Config) (hasoffers.Auth, error) {
	s := cfg.SignIn
	switch s.Way() {
	case config.APIKey:
		return hasoffers.APIKey{Key: string(s.Key), Side: s.Side}, nil
	case config.Token:
		return hasoffers.NetworkToken(s.Token), nil
	case "":
		return nil, cfg.RequireAPI()
	}
	id := strings.Join([]string{s.ClientID, s.Audience, s.AuthURL, s.IntegratorID, string(s.ClientSecret)}, "\x00")
	if shared := a.integrators[id]; shared != nil {
		return shared, nil
	}
	cache := ""
	if dir, err := a.cacheDir(); err == nil {
		cache = filepath.Join(dir, "rawlogs")
	} else {
		a.log.Debug("no folder for caches: the sign-in is not kept for the next run", "err", err)
	}
	i, err := hasoffers.NewIntegrator(hasoffers.IntegratorConfig{
		ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), IntegratorID: s.IntegratorID,
		Audience: s.Audience, AuthURL: s.AuthURL, CacheDir: cache, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	if a.integrators == nil {
		a.integrators = map[string]*hasoffers.Integrator{}
	}
	a.integrators[id] = i
	return i, nil
}

// cacheDir is os.UserCacheDir by the environment that the command was given.
func (a *app) cacheDir() (string, error) {
	if dir := a.getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if home := a.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache"), nil
	}
	return "", errors.New("neither XDG_CACHE_HOME nor HOME is set")
}
