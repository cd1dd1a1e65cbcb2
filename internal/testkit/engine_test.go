package testkit_test

import (
	"testing"

	"rawlogs/internal/testkit"
)

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	a, b := testkit.Database(t), testkit.Database(t)
	if a.Database() == b.Database() {
		t.Fatalf("both are %s", a.Database())
	}
	if a.EnginePID() != b.EnginePID() {
		t.Errorf("hosts %d and %d: want one for both", a.EnginePID(), b.EnginePID())
	}
	if own := testkit.Store(t); own.EnginePID() == a.EnginePID() {
		t.Error("a Store of its own shares the engine")
	}
}

func TestMain(m *testing.M) { testkit.Main(m) }
