package main

var runs = []protection{
	guard("one-run", "one run a network",
		always, "internal/pipeline", "TestTwoRunsAtOnce"),
	guard("claim-read-back", "a claim is read back",
		cut, "internal/checkpoint", "TestClaimsAtOnce"),
	guard("shares-clash", "shares of one n go together, other shares clash",
		swap("n != m", "false && n != m"), "internal/checkpoint", "TestWorkersShare"),
	guard("worker-share", "each file is one worker's",
		always, "internal/pipeline", "TestWorkersTogether"),
	guard("lease-expiry", "a dead host's lease runs out",
		swap("argMax(expires, seq) > now64(3) AND ", ""), "internal/checkpoint", "TestLeaseExpires"),
	guard("dead-process", "a dead process of this machine is known to be dead",
		never, "internal/checkpoint", "TestDeadProcessIsFreedAtOnce"),
	guard("process-hidden", "a process that /proc hides is not taken for dead",
		swap("return false", "return true"), "internal/checkpoint", "TestEnded"),
	guard("takeover-seen", "a run that slept through a takeover stops",
		swap("c.since.After(l.since) || ", ""), "internal/checkpoint", "TestConfirmSeesATakeover"),
	guard("lease-renewed", "the lease is renewed while a run works",
		put("return nil"), "internal/checkpoint", "TestRenew"),
}

var clocks = []protection{
	guard("ledger-version", "a file's latest state is the highest version, not the latest time",
		swap("{replacing:version}", "ReplacingMergeTree(updated_at)"), "internal/checkpoint", "TestClockDecidesNothing"),
	guard("insert-id-counts", "each INSERT has an id of its own",
		swap("r.insert.Add(1)", "r.insert.Load()"), "internal/faults", "TestClockJumps"),
	guard("insert-id-random", "the ids of INSERTs begin by chance",
		swap("rand.Uint32()", "0*rand.Uint32()"), "internal/faults", "TestClockJumps/(stands-still|1970)"),
	guard("expiry-slack", "a day's slack before a file counts as expired",
		swap("days+1", "days"), "internal/faults", "TestClockJumps"),
	guard("lookback-slack", "the nightly window reaches beyond a wrong clock",
		swap("AddDate(0, 0, 2)", "AddDate(0, 0, 1)"), "cmd/ingest", "TestLookbackByWrongClocks"),
}

var secrets = []protection{
	guard("api-words-hidden", "the API's words are searched for credentials",
		put("_ = i"), "internal/hasoffers", "TestNoSecretIsPrinted"),
	guard("api-url-hidden", "a transport error of the API does not show its URL",
		never, "internal/hasoffers", "TestNoSecretIsPrinted"),
	guard("link-hidden", "a link does not show in its error",
		swap("hideLink(err, u)", `fmt.Errorf("%s: %w", u, err)`), "cmd/ingest", "TestSecretsShowNowhere"),
	guard("store-name", "a store's name is without its password",
		swap(`t.user + "@"`, `t.user + ":" + t.password + "@"`), "internal/store", "TestParseSpec"),
	guard("ambiguous-address", "an address whose password could be taken for another part is refused",
		never, "internal/store", "TestBadSpecKeepsItsSecret"),
	guard("host-environment", "the engine's host does not see token or keys",
		swap("hostEnvironment()", "append(os.Environ(), hostEnvironment()...)"), "cmd/ingest", "TestSecretsInProcesses"),
}

var untrusted = []protection{
	guard("names-printable", "file names in messages are printable",
		always, "internal/fetch", "TestPrintable"),
	guard("terminal-clean", "escapes do not reach a terminal",
		always, "cmd/ingest", "TestClean"),
	guard("identifier-quoted", "identifiers are quoted",
		swap("between(name, '`')", "\"`\" + name + \"`\""), "internal/store", "TestAddressRefused"),
}
