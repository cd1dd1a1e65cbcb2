package trace

import (
	"fmt"
	"maps"
	"math/big"
	"strings"
)

// Row is a row of a table by the names of its columns.
type Row map[string]any

// trim takes out what says nothing.
func (r Row) trim() {
	maps.DeleteFunc(r, func(name string, value any) bool {
		switch v := value.(type) {
		case nil:
			return true
		case map[string]any:
			return len(v) == 0
		case []any:
			return len(v) == 0
		case bool:
			return !v
		}
		if name == "network" {
			return false
		}
		text := fmt.Sprint(value)
		return text == "" || text == "::" || strings.HasPrefix(text, "1970-01-01") || strings.Trim(text, "0.") == "" && text != "."
	})
}

// text is a field as it stands; "" where there is none.
func (r Row) text(name string) string {
	if v, ok := r[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// number is a field of digits; "0" where there is none.
func (r Row) number(name string) string {
	if v := r.text(name); v != "" && strings.Trim(v, "0123456789") == "" {
		return v
	}
	return "0"
}

// amount is a sum of money in whole units with two decimals, or more where it has them.
func (r Row) amount(name string) string {
	value, ok := new(big.Rat).SetString(r.text(name))
	if !ok {
		value = new(big.Rat)
	}
	if strings.HasSuffix(name, "_cents") {
		value.Quo(value, big.NewRat(100, 1))
	}
	text := strings.TrimRight(value.FloatString(6), "0")
	if point := strings.IndexByte(text, '.'); len(text)-point < 3 {
		text += strings.Repeat("0", 3-(len(text)-point))
	}
	return text
}
