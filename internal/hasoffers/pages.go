package hasoffers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// maxPages ends a reading that an API without an end would never leave.
const maxPages = 100_000

// AllPages follows the pages of a find method and returns all rows together:
// a map by id, as one page has, or an array where rows have no key.
func (c *Client) AllPages(ctx context.Context, op Op, q Query) (json.RawMessage, error) {
	var out bytes.Buffer
	keyed, rows := true, 0
	seen := map[string]bool{}
	for q.Page = 1; q.Page <= maxPages; q.Page++ {
		params := url.Values{}
		for name, values := range op.Params {
			params[name] = values
		}
		q.AddTo(params)
		data, err := c.Call(ctx, op.Target, op.Method, params)
		if err != nil {
			return nil, err
		}
		page, err := SplitPage(data)
		if err != nil {
			return nil, fmt.Errorf("%s: --all: %w", op, err)
		}
		fresh := false
		for _, r := range page.Rows {
			if rows == 0 {
				keyed = r.Key != ""
			}
			if keyed && seen[r.Key] {
				continue // a row that moved to a later page meanwhile
			}
			seen[r.Key], fresh = true, true
			if rows > 0 {
				out.WriteByte(',')
			}
			if keyed {
				key, err := json.Marshal(r.Key)
				if err != nil {
					return nil, err
				}
				out.Write(key)
				out.WriteByte(':')
			}
			out.Write(r.Fields)
			rows++
		}
		if !page.Paged || !fresh || q.Page >= page.Pages {
			break
		}
	}
	if rows == 0 || !keyed {
		return json.RawMessage("[" + out.String() + "]"), nil
	}
	return json.RawMessage("{" + out.String() + "}"), nil
}
