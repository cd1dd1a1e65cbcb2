package check

import (
	"context"
	"fmt"
	"strings"

	"rawlogs/internal/store"
)

// projections looks at roll-ups that a table or some of its parts lack, and at projections
// of an analyst's.
func (c checker) projections(ctx context.Context, table, create string) ([]Finding, error) {
	var out []Finding
	warn := func(detail, hint string) { out = append(out, Finding{Warn, "table " + table, detail, hint}) }
	const masked = "MATERIALIZE PROJECTION would count rows that are marked as deleted"
	aggregate, normal := store.Projections(create)
	if len(normal) > 0 {
		warn("has the projection "+strings.Join(normal, ", ")+", which would go on answering with rows that are only marked as deleted: its rows are deleted by ALTER TABLE … DELETE, which rewrites whole parts",
			"one with GROUP BY, or a table or view of its own, does not slow down reloads")
	}
	if len(aggregate) > 0 {
		warn("has the projection "+strings.Join(aggregate, ", ")+", which each INSERT and deletion has to compute",
			masked+": APPLY DELETED MASK comes first where it is to answer for parts of before")
	}
	have, lack, err := store.RollUps(table, create)
	if err != nil {
		return nil, err
	}
	if len(lack) > 0 {
		warn("lacks the roll-up "+lack[0].Name+": totals read all rows", c.st.AddRollUp(table, lack[0]))
	}
	if len(have) == 0 {
		return out, nil
	}
	if !strings.Contains(create, c.st.RollUpMode()) {
		warn("has roll-ups, but not the setting by which rows can be marked as deleted in spite of them: deletions rewrite whole parts",
			c.st.PrepareRollUps(table))
	} else if !strings.Contains(create, c.st.PartBound()) {
		warn("has roll-ups but no limit on the size of parts: reloading a file takes minutes once its month has millions of rows, because the roll-ups of the whole part are rebuilt",
			c.st.PrepareRollUps(table))
	}
	rows, month, err := c.st.RowsWithout(ctx, table, have[0])
	if err != nil {
		return nil, err
	}
	if rows > 0 {
		warn(fmt.Sprintf("has %d rows in parts without roll-ups, which totals have to read", rows),
			"they are not merged with newer parts. In a quiet hour, and month by month: "+c.st.FillRollUps(table, month, have))
	}
	return out, nil
}
