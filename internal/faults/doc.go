// Package faults holds no code, only tests that let the world misbehave around
// the whole pipeline: hostile files, a network that cuts, stalls and flips
// bits, an API that answers nonsense, files that come late, are replaced or
// vanish.
//
// Every scenario is a run with the fault, then runs without it until one is
// clean, and then one oracle: the rows and cells that the files hold, by file
// and line, against those in the store; the ledger and the lines put aside
// against both; nothing left in the spool folder; no lease, no query; and no
// secret in anything that was said or stored.
//
// docs/reliability.md lists which test covers which fault.
package faults
