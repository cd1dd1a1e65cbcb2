package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
)

// memoryLimit is what ingest sets by default, so that profiles show the same
// collector.
const memoryLimit = 256 << 20

// startProfiles begins a CPU profile in a folder; stop ends it and writes the
// allocations beside it. Without a folder both do nothing but set the limit.
func startProfiles(folder, number string) (stop func() error, err error) {
	debug.SetMemoryLimit(memoryLimit)
	if folder == "" {
		return func() error { return nil }, nil
	}
	if err = os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	cpu, err := os.Create(filepath.Join(folder, "cpu-"+number+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		runtime.GC()
		allocs, err := os.Create(filepath.Join(folder, "allocs-"+number+".pprof"))
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close(), cpu.Close())
	}, nil
}
