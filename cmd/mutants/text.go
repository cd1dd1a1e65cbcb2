package main

func ofArchives() []protection {
	const area = "ZIP"
	return []protection{
		{
			area, "CRC-32 of the entry", "internal/parse/unzip.go",
			"	if sum != e.CRC32 {\n", "	if false {\n",
			"internal/faults", "TestHostileZips",
		},
		{
			area, "exactly one entry", "internal/parse/entry.go",
			"	if d.entries != 1 {\n", "	if d.entries == 0 {\n",
			"internal/faults", "TestHostileZips",
		},
		{
			area, "an archive without a directory is none", "internal/parse/entry.go",
			"	return directory{}, &ZipError{Reason: \"no end of central directory: not a ZIP, or cut short\"}\n", "	return directory{entries: 1}, nil\n",
			"internal/parse", "TestZip",
		},
		{
			area, "encrypted entries are refused", "internal/parse/entry.go",
			"case flags&(encrypted|strong|masked) != 0:", "case flags&(strong|masked) != 0:",
			"internal/faults", "TestHostileZips",
		},
		{
			area, "unknown methods are refused", "internal/parse/entry.go",
			"case e.Method != methodStored && e.Method != methodDeflate:", "case false:",
			"internal/faults", "TestHostileZips",
		},
		{
			area, "no more bytes than declared, whole", "internal/parse/inflate.go",
			"bounds{hard: size, soft: math.MaxInt}", "bounds{hard: cap(dst) - fastOut, soft: math.MaxInt}",
			"internal/parse", "TestInflate",
		},
		{
			area, "no more bytes than declared, streamed", "internal/parse/unzip.go",
			"	case n > 0:\n		return errLonger(s.entry)\n", "	case n > 0:\n		return io.EOF\n",
			"internal/faults", "TestHostileZips",
		},
		{
			area, "a text larger than its share of the memory is streamed", "internal/pipeline/loader.go",
			"		if j.zip.Size <= l.budget.text {\n", "		if true {\n",
			"internal/faults", "TestHostileZips/streamed",
		},
		{
			area, "a broken archive fails its file alone", "internal/pipeline/loader.go",
			"		if err := l.fail(context.WithoutCancel(ctx), j, err); err != nil {\n			return nil, err\n		}\n", "		return nil, err\n",
			"internal/faults", "TestHostileZips",
		},
	}
}

func ofTexts() []protection {
	const area = "CSV"
	return []protection{
		{
			area, "fields go by the header's names", "internal/parse/window.go",
			"if r.layout == nil || !slices.Equal(names, r.names) {", "if r.layout == nil || false && !slices.Equal(names, r.names) {",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "a header that names no column fails its file", "internal/parse/window.go",
			"		if len(r.layout.Unknown()) == len(names) {\n", "		if false {\n",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "a repeated header is no row", "internal/parse/cut.go",
			"if r.isHeader(t[base:], record) {", "if false {",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "a BOM is no part of the first name", "internal/parse/window.go",
			"		r.pos += 3\n", "",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "short lines are no rows", "internal/parse/cut.go",
			"			if n != width {\n				i, stop = start, cutFields\n				break records\n			}\n", "			for ; n < width; n++ {\n				record[n] = load.Field{}\n			}\n",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "after a stray quote the next good line is found again", "internal/parse/cut.go",
			"		return f, j + 1, endAfterQuote\n", "		j++\n",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "doubled quotes become one", "internal/parse/cut.go",
			"			f.Len |= load.Doubled\n", "",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "a record's length is bounded", "internal/parse/cut.go",
			"bound := start + r.cfg.MaxLine + 2;", "bound := start + 2*r.cfg.MaxLine + 200;",
			"internal/parse", "TestReaderLongLines",
		},
		{
			area, "a header's width is bounded", "internal/parse/window.go",
			"			return &HeaderError{Line: line, Reason: fmt.Sprintf(\"more than %d columns\", MaxColumns)}\n", "",
			"internal/faults", "TestHostileTexts",
		},
		{
			area, "lines that are no rows are kept", "internal/pipeline/loader.go",
			"	if err := l.rejects.flush(ctx); err != nil {\n		return err\n	}\n", "",
			"internal/faults", "TestHostileTexts",
		},
	}
}

func ofValues() []protection {
	const values, times = "values", "time"
	return []protection{
		{
			values, "what does not fit its column is kept in _rescued", "internal/load/block_rescue.go",
			"		for len(fails) > 0 && int(fails[0].row) == row {\n			r.keep(b, l, row, int(fails[0].field))\n			fails = fails[1:]\n		}\n", "		for len(fails) > 0 && int(fails[0].row) == row {\n			fails = fails[1:]\n		}\n",
			"internal/faults", "TestHostileValues",
		},
		{
			values, "what feeds no column is kept in _rescued", "internal/load/block_rescue.go",
			"			if b.Fields[row*b.Width+f].Len != 0 {\n				r.keep(b, l, row, f)\n			}\n", "",
			"internal/faults", "TestHostileTexts",
		},
		{
			values, "no day that the calendar lacks", "internal/load/block_clock.go",
			"day < 1 || day > daysIn(year, month) {", "day < 1 || day > 31 {",
			"internal/faults", "TestHostileValues",
		},
		{
			values, "no instant that the type cannot hold", "internal/load/block_clock.go",
			"if !ok || t < 0 || t > 1<<32-1 {", "if !ok {",
			"internal/faults", "TestHostileValues",
		},
		{
			times, "the setting's zone is applied", "internal/load/block_clock.go",
			"return &Clock{zone: zone, utc: zone == time.UTC || zone.String() == \"UTC\"}", "return &Clock{zone: zone, utc: true}",
			"internal/faults", "TestTimes",
		},
		{
			values, "a number beyond its column's type is no number", "internal/load/column_type.go",
			"math.MaxUint64 >> (64 - bits)", "math.MaxUint64 >> (bits - bits)",
			"internal/faults", "TestHostileValues",
		},
		{
			times, "the machine's zone says nothing", "internal/pipeline/loader.go",
			"Zone: l.Zone,", "Zone: time.Local,",
			"cmd/ingest", "TestTimeZoneOfTheMachine",
		},
		{
			times, "the file's hour decides a repeated local hour", "internal/load/block_clock.go",
			"		if k.distance(t) < k.distance(best) {\n", "		if false {\n",
			"internal/faults", "TestTimes/right-zone-over-the-repeated-hour",
		},
		{
			times, "a skipped local hour is read with the offset before it", "internal/load/block_clock.go",
			"		return local - before, false\n", "		return local - before + 3600, false\n",
			"internal/load", "TestClock",
		},
		{
			times, "a shift of the rows against their file is reported", "internal/load/block_clock.go",
			"		if n*3 > s.Rows*2 {\n", "		if n > s.Rows {\n",
			"internal/faults", "TestTimes/zone-not-set",
		},
	}
}
