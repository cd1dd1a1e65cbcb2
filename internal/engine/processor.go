//go:build linux && amd64

package engine

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/cpu"
)

// ErrProcessor reports a processor that lacks instructions which the library uses
// without asking: it would die by SIGILL in the middle of its start. The library is built
// for x86-64-v3, as its code shows: it has no instruction of SSE, and AVX2 and BMI2 in
// every part.
var ErrProcessor = errors.New("this processor lacks instructions that the embedded ClickHouse needs")

// processor reports why the library cannot run on a processor.
func processor(has []feature) error {
	var lacks []string
	for _, f := range has {
		if !f.present {
			lacks = append(lacks, f.name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("%w (%s): use a newer machine, or a ClickHouse server (INGEST_STORE); a virtual machine may hide them from its guest",
		ErrProcessor, strings.Join(lacks, ", "))
}

// feature is a set of instructions, and whether the processor has it.
type feature struct {
	name    string
	present bool
}

// features are those of this processor that the library needs.
func features() []feature {
	return []feature{{"AVX2", cpu.X86.HasAVX2}, {"BMI2", cpu.X86.HasBMI2}, {"FMA", cpu.X86.HasFMA}}
}
