package unit

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rawlogs/internal/config"
)

// beside are the services that look at what a load has made, and run all the time. They
// are given the store's password and no other secret.
func (s *service) beside() ([]*service, error) {
	var all []*service
	if s.Serve {
		if s.Store == "" {
			return nil, &Error{errors.New("--serve keeps an embedded ClickHouse open, and the store is a server: --web shows its status page")}
		}
		b := s.looking("serve")
		b.Mended = s.Mended
		all = append(all, b)
	}
	if s.Web {
		if s.Store != "" {
			return nil, &Error{errors.New("--web shows the status page of a server, and the store is an embedded one: --serve shows its page")}
		}
		b := s.looking("web")
		b.Memory = "1024M"
		password := filepath.Join(s.etc(), "web-password")
		b.Loads = []string{"web-password:" + password}
		b.Mended = append(b.Mended, fmt.Sprintf("install -D -m 600 /dev/stdin %s   # the page's password, which browsers are asked for", password))
		s.openStore(b)
		all = append(all, b)
	}
	return all, nil
}

// looking is a service with the settings of the load that say which store, networks and
// days there are.
func (s *service) looking(command string) *service {
	b := *s
	b.Beside, b.Variables, b.Loads, b.Mended, b.EnvFile = command, nil, nil, nil, ""
	for _, v := range s.Variables {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"INGEST_CONFIG", "INGEST_STORE", "INGEST_ENGINE_LIBRARY", "INGEST_FILES", "HASOFFERS_NETWORK_ID", "HASOFFERS_TIMEZONE", "XDG_CACHE_HOME"}, name) {
			b.Variables = append(b.Variables, v)
		}
	}
	return &b
}

// openStore sees to the password of a store whose address holds one: the load's file of
// variables has other secrets, too, so this service has a file of its own.
func (s *service) openStore(b *service) {
	at := slices.IndexFunc(s.secrets(), func(p config.SecretPlace) bool { return p.Variable == config.Variable("store") })
	if at < 0 {
		return
	}
	b.EnvFile = filepath.Join(s.etc(), s.Name+"-web.env")
	b.Mended = append(b.Mended, fmt.Sprintf("%s, mode 600 and root's, has to set %s; a user who may only read is enough: ingest schema reader NAME", b.EnvFile, config.Variable("store")))
}
