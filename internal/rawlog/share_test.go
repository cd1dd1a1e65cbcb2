package rawlog

import "testing"

// The shares of a limit are the limit, and as even as can be.
func TestCalls(t *testing.T) {
	t.Parallel()
	if got := (Share{}).Calls(50); got != 50 {
		t.Errorf("a run on its own: %d of 50 calls", got)
	}
	for _, together := range []int{1, 2, 7, 50, 63, 64, 10_000} {
		for n := 1; n <= mostShares; n++ {
			sum, least, most := 0, together, 0
			for i := 1; i <= n; i++ {
				calls := Share{I: i, N: n}.Calls(together)
				sum, least, most = sum+calls, min(least, calls), max(most, calls)
			}
			switch {
			case together < n && sum != 0:
				t.Errorf("%d calls for %d runs: %d are given", together, n, sum)
			case together >= n && (sum != together || most-least > 1):
				t.Errorf("%d calls for %d runs: %d are given, %d to %d each", together, n, sum, least, most)
			}
		}
	}
}
