// Package insert puts rows into the store exactly once. The whole protocol of an INSERT
// stands here; nothing else sends rows of logs, finds out what became of them or takes
// them back.
//
// # The protocol
//
//  1. Ask: the run asks whether the lease is still its own, and the INSERT gets an id
//     that no other has (id.go). Every row carries it in its column _insert.
//  2. Send: the rows of whole files, of one table and one month, travel in small blocks
//     (stream.go). The server writes them as one part of one partition when the INSERT
//     ends, so that all of them land or none.
//  3. Displace: where they replace rows of an earlier version, those are deleted now,
//     when only the INSERT's end is outstanding (withdraw.go).
//  4. End: the rows become visible.
//  5. Settle: where the answer is an error, or none came, the query is ended and awaited
//     and its rows are counted (settle.go). All there: it counts as acknowledged. None
//     there: it is sent again under another id. Any other number is a *PartialError.
//  6. The rejected lines of its files go the same way (rejects.go).
//  7. The caller writes the ids into the ledger, which vouches for the rows from then on.
//
// A file too large for one INSERT is sent in several (series.go), which stand or fall
// together: if one of them fails, all are withdrawn and the file is sent again. It
// displaces earlier rows before the first of them.
//
// On a cluster steps 2 to 6 of an INSERT are one shard's, the next in turn; only displacing and
// withdrawing ask all of them. So what follows holds for each shard by itself.
//
// Deduplication tokens are not used: the server forgets neither a token whose rows were
// deleted nor compares the rows, so a count is the only proof.
//
// # What a crash means
//
//   - After 1 or in 2: nothing lands.
//   - After 3: the rows that the ledger vouches for are gone and no others are there.
//     Recovery calls the file failed, and it is loaded again.
//   - After 4, 5 or 6: the rows are there and the ledger does not vouch for them. The next
//     run ends what the dead one still has running (End), deletes what the ledger does
//     not vouch for (Sweep, Retain), and loads the files again.
//   - After 7: nothing is lost, the file is done.
//
// A client that dies after 2 may have its INSERT land seconds later. So nobody counts or
// deletes before the query has been ended and awaited.
//
// # Who owns what
//
// The ledger (checkpoint) says which ids are vouched for. The run (pipeline) says which
// files go into an INSERT, and owns their texts. A Sender owns the ids of one run and is
// shared by its loaders. A Stream owns a connection, and a Rejects the rejected lines of
// one loader; each is for one goroutine.
package insert
