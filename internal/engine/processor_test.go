//go:build linux && amd64

package engine

import (
	"errors"
	"strings"
	"testing"
)

// A processor that is too old is told before the library dies on it.
func TestProcessor(t *testing.T) {
	t.Parallel()
	if err := processor(features()); err != nil {
		t.Errorf("the processor that the other tests run on: %v", err)
	}
	for name, lacks := range map[string][]string{"too old": {"AVX2", "BMI2", "FMA"}, "hidden by a virtual machine": {"AVX2"}, "in part": {"BMI2"}} {
		has := features()
		for i := range has {
			for _, l := range lacks {
				has[i].present = has[i].present && has[i].name != l
			}
		}
		err := processor(has)
		if !errors.Is(err, ErrProcessor) || !strings.Contains(err.Error(), "("+strings.Join(lacks, ", ")+")") || !strings.Contains(err.Error(), "INGEST_STORE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
