package main

var trusting = []protection{
	guard("dangling-named", "a store behind a link that leads to nothing is not made elsewhere",
		never, "internal/engine", "TestFolderRefused"),
	guard("trust-owner", "a file of somebody else's is not trusted",
		never, "internal/trust", "TestDoubts"),
	guard("trust-writable", "a file that everyone can write is not trusted",
		never, "internal/trust", "TestDoubts"),
	guard("trust-group", "a file that a group can write is not trusted",
		never, "internal/trust", "TestDoubts"),
	guard("library-trusted", "a library that others can replace is refused",
		swap("trust.File(path)", "error(nil)"), "internal/engine", "TestFindLibrary"),
	guard("library-absolute", "no library is looked for in the working folder",
		never, "internal/engine", "TestLibraryOfTheWorkingFolder"),
	guard("config-trusted", "an ingest.yaml that others can write is refused",
		swap("trust.File(path)", "error(nil)"), "cmd/ingest", "TestScripts/found"),
	guard("found-library", "an ingest.yaml that was only found names no library",
		never, "cmd/ingest", "TestScripts/found"),
	guard("found-api", "a found ingest.yaml sends no credential of the user's anywhere",
		never, "cmd/ingest", "TestScripts/found"),
	guard("found-store", "a found ingest.yaml sends no rows of the user's anywhere",
		never, "cmd/ingest", "TestScripts/found"),
}
