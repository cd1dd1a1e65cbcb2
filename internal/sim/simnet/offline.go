package simnet

import (
	"crypto/rand"
	"time"

	"rawlogs/internal/sim/gen"
)

// WithoutFiles makes a network that has entities, reports and sign-ins but no
// storage: for what does not touch files. RawLog's methods list nothing.
func WithoutFiles(cfg Config) *Network {
	setDefault(&cfg.ID, "11111")
	setDefault(&cfg.Token, "NET"+rand.Text())
	setDefault(&cfg.Limit, 50)
	setDefault(&cfg.Window, 10*time.Second)
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	n := &Network{cfg: cfg, files: make(map[fileKey]*published), methods: make(map[string]int)}
	n.logs = gen.New(gen.Config{Seed: cfg.Seed, ID: cfg.ID, Clicks: cfg.Clicks, Flat: cfg.Flat, Decisions: cfg.Decisions, Habits: cfg.Habits})
	return n
}
