package load

// takeScaled is take for a field in another unit than the column's: each number is
// multiplied by ten to the scale, by moving its decimal point, so that nothing is lost.
func (c *column) takeScaled(b *Batch, f, scale int, fails []fail) []fail {
	for r := range b.Rows {
		var v []byte
		v, c.scratch = b.Value(r, f, c.scratch)
		if how := c.addScaled(v, scale, b.Clock); how != exact { //guard:alias-scale
			fails = append(fails, fail{int32(r), int32(f), how})
		}
	}
	return fails
}
