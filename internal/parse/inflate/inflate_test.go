package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// checkInflate holds Inflate against compress/flate on any bytes.
func checkInflate(t *testing.T, z *Decoder, packed []byte) {
	t.Helper()
	const most = 1 << 18
	src := bytes.NewReader(packed)
	std := flate.NewReader(src)
	want, err := io.ReadAll(io.LimitReader(std, most))
	if len(want) == most {
		return
	}
	for _, room := range []int{0, 1000} { // without and with capacity to spare
		dst := make([]byte, len(want), len(want)+room)
		n, used, got := z.Inflate(dst, packed)
		switch {
		case err == nil:
			if got != nil || n != len(want) || !bytes.Equal(dst[:n], want) || used != len(packed)-src.Len() {
				t.Fatalf("room %d: %v, %d bytes out of %d, want %d out of %d", room, got, n, used, len(want), len(packed)-src.Len())
			}
		case got == nil:
			t.Fatalf("room %d: no error, compress/flate: %v", room, err)
		case errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(got, io.ErrUnexpectedEOF):
			// The end of the data can hide that it is damaged, and the other way
			// round; both are errors.
			if !errors.Is(got, ErrDamaged) && !errors.Is(got, ErrLarger) {
				t.Fatalf("room %d: %v", room, got)
			}
		}
		if len(want) > 0 && err == nil {
			if _, _, got := z.Inflate(make([]byte, len(want)-1, len(want)-1+room), packed); !errors.Is(got, ErrLarger) {
				t.Fatalf("room %d, a byte too few: %v", room, got)
			}
		}
	}
}

// checkStream holds a Stream against Inflate, which has to agree with
// it on every byte and on whether there is an error.
func checkStream(t *testing.T, f *Stream, z *Decoder, packed []byte) {
	t.Helper()
	const most = 1 << 21
	f.Reset(z, iotest.HalfReader(bytes.NewReader(packed)), int64(len(packed)))
	got, err := io.ReadAll(io.LimitReader(f, most))
	if len(got) == most {
		return
	}
	trailing := f.Trailing()
	want := make([]byte, len(got)+2000)
	n, used, wantErr := z.Inflate(want, packed)
	if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want[:n]) {
		t.Fatalf("streamed %d bytes, %v; whole %d, %v", len(got), err, n, wantErr)
	}
	if err == nil && int(trailing) != len(packed)-used {
		t.Fatalf("%d bytes trail, want %d", trailing, len(packed)-used)
	}
}

// TestStream streams texts that are longer than all of its buffers.
func TestStream(t *testing.T) {
	t.Parallel()
	var z Decoder
	var f Stream
	for seed, size := range []int{0, 1, 5000, streamSoft - streamWindow, streamSoft + 7, 1_500_000} {
		text := inflatable(uint64(seed), size)
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			var packed bytes.Buffer
			w, err := flate.NewWriter(&packed, level)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(text)
			_ = w.Close()
			f.Reset(&z, bytes.NewReader(packed.Bytes()), int64(packed.Len()))
			if got, err := io.ReadAll(iotest.OneByteReader(&f)); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("size %d level %d, byte by byte: %d bytes, %v", size, level, len(got), err)
			}
			checkStream(t, &f, &z, packed.Bytes())
			checkStream(t, &f, &z, append(bytes.Clone(packed.Bytes()), "more"...))
			r := rand.New(rand.NewPCG(uint64(level+9), uint64(size)))
			for range 6 {
				checkStream(t, &f, &z, packed.Bytes()[:r.IntN(packed.Len())])
				bad := bytes.Clone(packed.Bytes())
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
				checkStream(t, &f, &z, bad)
			}
		}
	}
}

// inflatable makes texts of all kinds: random, repetitive at short and long
// distances, and ordinary.
func inflatable(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []byte
	for len(out) < size {
		switch n := r.IntN(400) + 1; r.IntN(4) {
		case 0:
			for range n {
				out = append(out, byte(r.Uint32()))
			}
		case 1:
			for range n {
				out = append(out, "0123456789,\"\n"[r.IntN(13)])
			}
		default:
			if len(out) == 0 {
				continue
			}
			back := 1 + r.IntN(min(len(out), 1<<r.IntN(16)))
			for range n {
				out = append(out, out[len(out)-back])
			}
		}
	}
	return out[:size]
}

func TestInflate(t *testing.T) {
	t.Parallel()
	var z Decoder
	for seed, size := range []int{0, 1, 2, 10, 300, 5000, 50_000} {
		text := inflatable(uint64(seed), size)
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			var packed bytes.Buffer
			w, err := flate.NewWriter(&packed, level)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(text[:size/2])
			_ = w.Flush()
			_, _ = w.Write(text[size/2:])
			_ = w.Close()
			checkInflate(t, &z, packed.Bytes())
			checkInflate(t, &z, append(bytes.Clone(packed.Bytes()), "more"...))
			for _, cut := range []int{1, 2, packed.Len() / 2, packed.Len() - 1} {
				checkInflate(t, &z, packed.Bytes()[:min(cut, packed.Len())])
			}
			r := rand.New(rand.NewPCG(uint64(level+9), uint64(size)))
			for range 6 {
				bad := bytes.Clone(packed.Bytes())
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
				checkInflate(t, &z, bad)
			}
		}
	}
}

func FuzzInflate(f *testing.F) {
	for seed := range uint64(4) {
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, int(seed)*3)
		if err != nil {
			f.Fatal(err)
		}
		_, _ = w.Write(inflatable(seed, 3000))
		_ = w.Close()
		f.Add(packed.Bytes())
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		var z Decoder
		checkInflate(t, &z, packed)
		var stream Stream
		checkStream(t, &stream, &z, packed)
	})
}
