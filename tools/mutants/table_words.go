package main

var words = []protection{
	guard("header-spelling", "a header's name in other letters means a column of that name before it means an alias",
		cut, "internal/load", "TestAliasIsColumn"),
	guard("header-alias", "the API's words for a column feed it",
		cut, "internal/load", "TestAliases"),
	guard("alias-scale", "amounts in whole units become cents",
		swap("movePoint(room[:0], v, scale)", "movePoint(room[:0], v, 0)"), "internal/load", "TestAliases"),
	guard("evolve-spelling", "two spellings of one header do not get two columns",
		never, "internal/evolve", "TestSpellingsShareAColumn"),
}
