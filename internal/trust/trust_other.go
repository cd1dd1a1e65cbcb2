//go:build !unix

// Package trust says whether a file that was only found may be followed: a
// library that will run, or settings that say where secrets go. It also says which
// errors mean that a server did not prove to be the one that was asked for.
package trust

import "io/fs"

// Error says which part of a path others have in their hands.
type Error struct{ Path, Part, Why, Do string }

func (e *Error) Error() string { return e.Path + " is not trusted: " + e.Why }

// File asks nothing here, where permissions are not those of Unix.
func File(string) error { return nil }

// OthersRead asks nothing here either.
func OthersRead(fs.FileInfo) bool { return false }
