package faults

import (
	"testing"

	"github.com/Shopify/toxiproxy/v2/toxics"

	"rawlogs/internal/testkit"
)

func TestMain(m *testing.M) {
	toxics.Register("cut", new(cut))
	testkit.Main(m)
}
