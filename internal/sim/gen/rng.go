package gen

import (
	"math"
	"math/bits"
)

// rng is splitmix64: tiny, and seeded anew for every row, which is what makes
// row i of an hour a pure function of its position.
type rng uint64

const golden = 0x9e3779b97f4a7c15

func (r *rng) next() uint64 {
	*r += golden
	return scramble(uint64(*r))
}

// intn is uniform in [0, n); n must be positive.
func (r *rng) intn(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// perMille is true in p of 1000 draws.
func (r *rng) perMille(p int) bool { return r.intn(1000) < p }

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mix folds words into one seed; their order counts.
func mix(words ...uint64) uint64 {
	h := uint64(golden)
	for _, w := range words {
		h = scramble(h ^ scramble(w+golden))
	}
	return h
}

func mixString(s string) uint64 {
	h := uint64(len(s))
	for i := range len(s) {
		h = scramble(h ^ uint64(s[i]))
	}
	return h
}

// picker draws indexes by weight in constant time (Vose's alias method).
type picker struct {
	keep  []uint32 // chance, of 2^32, to keep the index that was drawn
	other []int
}

func newPicker(weights []float64) *picker {
	n := len(weights)
	p := &picker{keep: make([]uint32, n), other: make([]int, n)}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		scaled[i] = w * float64(n) / sum
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		p.keep[s], p.other[s] = uint32(scaled[s]*(1<<32-1)), l
		scaled[l] -= 1 - scaled[s]
		if scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, rest := range [][]int{small, large} {
		for _, i := range rest {
			p.keep[i], p.other[i] = 1<<32-1, i
		}
	}
	return p
}

func (p *picker) pick(r *rng) int {
	i := r.intn(len(p.keep))
	if uint32(r.next()) <= p.keep[i] {
		return i
	}
	return p.other[i]
}

// zipf returns n weights that fall with rank^-s.
func zipf(n int, s float64) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1 / math.Pow(float64(i+1), s)
	}
	return w
}
