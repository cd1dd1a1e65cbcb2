package main

var words = []protection{
	guard("header-spelling", "a header's name in other letters means a column of that name before it means an alias",
		cut, "internal/load", "TestAliasIsColumn"),
	guard("header-alias", "the API's words for a column feed it",
		cut, "internal/load", "TestAliases"),
	guard("alias-scale", "amounts in whole units become cents",
		swap("v, scale,", "v, 0,"), "internal/load", "TestAliases"),
	guard("second-header", "a header in mid-text decides about the lines after it",
		cut, "internal/rows", "TestReader"),
	guard("evolve-spelling", "two spellings of one header do not get two columns",
		never, "internal/evolve", "TestSpellingsShareAColumn"),
}

var spellings = []protection{
	guard("not-utf8", "a text that is not UTF-8 can be queried",
		put("return misfit"), "internal/load", "TestTypes/String"),
	guard("bytes-kept", "its bytes are kept",
		swap("EncodeToString(v)", "EncodeToString(nil)"), "internal/faults", "TestHostileValues"),
	guard("json-utf8", "JSON of ingest sql is UTF-8",
		cut, "cmd/ingest", "TestScripts/spellings"),
	guard("mysql-null", "MySQL's mark for NULL is no value",
		swap(` || string(v) == `+"`\\N`", ""), "internal/load", "TestTypes"),
	guard("half-even", "an amount beyond the scale is rounded instead of lost",
		put("rounded, rest := text, false"), "internal/load", "TestTypes"),
	guard("inexact-counted", "and the row is counted as inexact",
		cut, "internal/load", "TestTypes"),
	guard("inexact-told", "many inexact values are an issue",
		never, "cmd/ingest", "TestScripts/spellings"),
	guard("zero-date", "MySQL's zero date is no time",
		never, "internal/load", "TestTypes"),
	guard("offset-applied", "a time's own offset is applied",
		swap("t - offset", "t"), "internal/load", "TestTypes"),
	guard("epoch-or-date", "ten digits that may be a date are not read as seconds",
		never, "internal/load", "TestTypes"),
}
