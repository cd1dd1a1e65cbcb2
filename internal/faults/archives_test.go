package faults

import (
	"strings"
	"testing"

	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/gen"
)

// archiveCase is an archive and what becomes of it, read whole or streamed.
type archiveCase struct {
	name, end string // of its file's name; "": .zip
	body      func(text []byte) []byte
	reason    string // "": it loads
}

// streamed is so little memory that a text of some 20 KB is read by pieces.
const streamed = 64 << 10

// eachMode tests with memory for whole texts and with so little that they are
// streamed, each with a rig of its own.
func eachMode(t *testing.T, db *database, test func(t *testing.T, r *rig)) {
	for _, mode := range []struct {
		name   string
		memory int64
	}{{"whole", 64 << 20}, {"streamed", streamed}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			r := db.rig(t)
			r.options.MaxMemory = mode.memory
			test(t, r)
		})
	}
}

// runArchives loads each archive as a file of its own, all of them in one run, twice;
// then those that failed are mended, as ZIPs, and load.
func runArchives(t *testing.T, cases []archiveCase) {
	t.Helper()
	eachMode(t, newDatabase(t), func(t *testing.T, r *rig) {
		src := r.folder()
		type sent struct {
			name, path string
			spec       gen.Spec
		}
		var broken []sent
		for i, tc := range cases {
			spec := gen.Spec{Type: rawlog.Clicks, Hour: hourOf(i), Rows: 30}
			name := gen.FileName(spec.Type, spec.Hour, 7)
			path := name
			if tc.end != "" {
				path = strings.TrimSuffix(name, ".zip") + tc.end
			}
			src.put(path, tc.body(r.text(name, spec)))
			if tc.reason != "" {
				r.want[key{spec.Type, name}] = &wanted{failed: tc.reason, hour: spec.Hour}
				broken = append(broken, sent{name, path, spec})
			}
		}
		for try := range 2 {
			sum, err := r.run(src.source())
			if err != nil || sum.Failed != len(broken) || len(sum.Failures) != len(broken) || sum.Loaded+sum.AlreadyLoaded != len(cases)-len(broken) {
				t.Fatalf("run %d: %v, %+v", try, err, sum)
			}
			r.check()
		}
		for _, b := range broken {
			src.drop(b.path)
			src.put(b.name, r.zip(b.name, b.spec))
		}
		r.recover(src.source())
	})
}
