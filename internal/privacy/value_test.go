package privacy

import (
	"net/netip"
	"testing"
)

// parse accepts what netip.ParseAddr accepts, and nothing else.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"", "1", "::", ":", "1.2.3.4", "1.2.3", "1.2.3.4.5", "::ffff:1.2.3.4", "fe80::1%eth0", "fe80::1%é.:", "1.2.3.4%a", "%::", "2001:DB8::A", "12:30:59", "1.50000", "a:b", "Mozilla/5.0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := netip.ParseAddr(text)
		want = want.Unmap().WithZone("")
		if got, ok := parse([]byte(text)); ok != (err == nil) || ok && got != want {
			t.Errorf("%q is %v, %v; want %v, %v", text, got, ok, want, err)
		}
	})
}

// Remembering other values never hides a forgotten one, even when both share a place in the table.
func TestWatchRemembers(t *testing.T) {
	t.Parallel()
	device := "6d92078a-8246-4ba4-ae5b-76104861e7dc"
	w := longWatch(obeying(t, "0123456789abcdef", person(t, Device, device)))
	other := []byte("00000000-0000-4000-8000-000000000000")
	for n := range 3 * mostMissed { // three values for each place, on average
		for i := range 8 {
			other[i] = '0' + byte(n>>(3*i)&7)
		}
		if w.is(other) || n%1000 == 0 && !w.is([]byte(device)) {
			t.Fatalf("at text %d, %s", n, other)
		}
	}
}
