package pipeline

// mostOpenFiles bounds the archives in one INSERT where the system does not: a
// network so small that they hold fewer rows than an INSERT should loses
// nothing by ending it there.
const mostOpenFiles = 512

// budget divides --max-memory by construction, so that the parts cannot
// together exceed it, whatever the files hold.
type budget struct {
	archives int64 // in memory, being fetched or held until their INSERT is acknowledged
	text     int64 // text of one small file, per loader; a larger one is streamed
	window   int64 // what a zstd text may point back to, where that is more than every reader should take
	line     int64 // longest record that is parsed as one
}

// divide gives archives five sixteenths, which decide how many small files an
// INSERT can hold, and the loaders together as much for their texts. The rest is
// for wire blocks, the connection's buffers and the Go runtime.
func divide(total int64, loaders int) budget {
	text := total * 5 / 16 / int64(loaders)
	return budget{archives: total * 5 / 16, text: text, window: text / 2, line: total / 16}
}
