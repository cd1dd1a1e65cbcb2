package main

func ofTheStore() []protection {
	const area = "store"
	return []protection{
		{
			area, "steps are tried again while the store is away", "internal/pipeline/recover.go",
			"		if err != nil && !store.Retryable(err) {\n", "		if err != nil && (true || store.Retryable(err)) {\n",
			"internal/faults", "TestStoreAway/ledger/not-done",
		},
		{
			area, "trying again is bounded", "internal/pipeline/once.go",
			"if tries++; err != nil && tries >= sendTries", "if tries++; err != nil && tries < 0",
			"internal/faults", "TestStoreRefuses/(too-many-parts|too-little-memory)",
		},
		{
			area, "an INSERT of unknown outcome is counted before it is sent again", "internal/pipeline/once.go",
			"			case landed:\n", "			case false && landed:\n",
			"internal/pipeline", "TestCrashMatrix",
		},
		{
			area, "… and not taken for landed", "internal/load/insert.go",
			"		return rows == 0, nil\n", "		return true, nil\n",
			"internal/pipeline", "TestCrashMatrix",
		},
		{
			area, "rejected lines are forgotten when their INSERT is sent again", "internal/pipeline/rejects.go",
			"	q.rows, q.bytes, q.flushed = q.rows[:0], 0, false\n", "",
			"internal/faults", "TestNetworkToStore/insert/.*",
		},
		{
			area, "a dead client's INSERT is ended before its rows are counted", "internal/store/statements.go",
			"		if n == 0 {\n			return nil\n		}\n		err = s.Write", "		if n < 1<<40 {\n			return nil\n		}\n		err = s.Write",
			"internal/store", "TestFactInsertLandsAfterItsClient",
		},
		{
			area, "an INSERT is one block and one part, whatever a profile says", "internal/store/statements.go",
			"	\"min_insert_block_size_rows\":         \"4294967295\",\n", "",
			"internal/pipeline", "TestForeignSettings",
		},
		{
			area, "an INSERT over two partitions is refused", "internal/store/statements.go",
			"	\"max_partitions_per_insert_block\":          \"1\",\n", "",
			"internal/store", "TestFactBlockOfTwoMonths",
		},
		{
			area, "equal blocks are not taken for repeated ones", "internal/store/statements.go",
			"	\"deduplicate_insert\": \"disable\",\n	\"insert_deduplicate\": \"0\",\n", "	\"deduplicate_insert\": \"enable\",\n	\"insert_deduplicate\": \"1\",\n",
			"internal/store", "TestFactTokens",
		},
		{
			area, "a deletion is awaited", "internal/store/statements.go",
			"	\"lightweight_deletes_sync\": \"2\",\n", "",
			"internal/pipeline", "TestForeignSettings",
		},
		{
			area, "a deletion is counted, and repeated where it was not run", "internal/store/statements.go",
			"			chunk = slices.Sorted(maps.Keys(left))\n", "			_, chunk = left, nil\n",
			"internal/store", "TestDeletionThatWasNotRun",
		},
		{
			area, "the same version of a file in the ledger is one row", "internal/store/statements.go",
			"\"ReplacingMergeTree(version)\"", "\"MergeTree\"",
			"internal/checkpoint", "TestRepeatedWriteIsOneRow",
		},
		{
			area, "too many parts are waited out", "internal/store/retry.go",
			"	252:  \"TOO_MANY_PARTS\",     // merges are behind: back off\n", "",
			"internal/faults", "TestStoreRefuses/too-many-parts,-for-a-while",
		},
		{
			area, "a full memory passes", "internal/store/retry.go",
			"	241:  \"MEMORY_LIMIT_EXCEEDED\",\n", "",
			"internal/faults", "TestStoreRefuses/too-little-memory",
		},
		{
			area, "a refused INSERT is tried for StoreWait", "internal/pipeline/once.go",
			"time.Since(begin) > r.StoreWait", "time.Since(begin) > 0",
			"internal/faults", "TestStoreRefuses/too-many-parts,-for-a-while",
		},
		{
			area, "a full disk, a missing table, a read-only store end the run at once", "internal/pipeline/once.go",
			"if !store.Retryable(err) {", "if !store.Retryable(err) && false {",
			"internal/faults", "TestStoreRefuses/(disk-full|read-only-table|table-gone|rejected_rows-gone)",
		},
		{
			area, "a column altered in mid-run ends the run", "internal/load/insert.go",
			"if err := s.block.Altered(); err != nil {", "if err := s.block.Altered(); false && err != nil {",
			"internal/faults", "TestColumnTypeChanged",
		},
		{
			area, "a Decimal's scale is part of its type", "internal/load/column.go",
			"return c.now != \"\" && plain(c.now) != plain(c.typ)", "return c.now != \"\" && c.now.Conflicts(c.typ) && plain(c.now) != plain(c.typ)",
			"internal/faults", "TestColumnTypeChanged/revenue.*",
		},
		{
			area, "rows that a lost ledger does not know are replaced", "internal/pipeline/plan.go",
			"			j.replace = true\n", "",
			"internal/pipeline", "TestLostLedger",
		},
		{
			area, "a run counts its rows at its end", "internal/pipeline/count.go",
			"			if n := stored[keyOf(e.File)]; n != e.Rows {\n				diffs", "			if n := stored[keyOf(e.File)]; n > 1<<40 {\n				diffs",
			"internal/pipeline", "TestFinalCount",
		},
		{
			area, "a store that cannot keep the promise is warned of", "internal/store/check.go",
			"partitioned by", "split by",
			"internal/store", "TestCheckSpoiled",
		},
	}
}

func ofProcesses() []protection {
	const area = "process"
	return []protection{
		{
			area, "what a dead run left loading is taken out", "internal/pipeline/recover.go",
			"	if err := r.withdraw(ctx, left); err != nil {\n		return err\n	}\n	for _, e := range left {", "	for _, e := range left {",
			"internal/pipeline", "TestLeaseOfDeadHost",
		},
		{
			area, "a file is loading before a row of it is sent", "internal/pipeline/feed.go",
			"		if err := r.record(ctx, entries); err != nil {\n			return err\n		}\n		for _, j := range chunk {", "		for _, j := range chunk {",
			"internal/pipeline", "TestCrashMatrix",
		},
		{
			area, "a file is loaded only after its rows are acknowledged", "internal/pipeline/feed.go",
			"j.entry.State, j.entry.Run = checkpoint.Loading, r.id", "j.entry.State, j.entry.Run = checkpoint.Loaded, r.id",
			"internal/pipeline", "TestCrashMatrix",
		},
		{
			area, "the spool file loses its name at once", "internal/fetch/spool.go",
			"	if err := os.Remove(file.Name()); err != nil {\n		_ = file.Close()\n		return nil, err\n	}\n", "",
			"internal/fetch", "TestSpoolWithoutUnnamedFiles",
		},
		{
			area, "a full spool disk is told", "internal/fetch/errors.go",
			"errors.Is(err, syscall.ENOSPC) || ", "",
			"cmd/ingest", "TestSpoolDiskFull",
		},
		{
			area, "… and is one file's fault", "internal/pipeline/feed.go",
			"	var api *hasoffers.APIError\n	return errors.As(err, &api)", "	var api *hasoffers.APIError\n	if fetch.KindOf(err) == fetch.NoSpace {\n		return true\n	}\n	return errors.As(err, &api)",
			"cmd/ingest", "TestSpoolDiskFull",
		},
		{
			area, "a first interrupt ends the work in order", "cmd/ingest/signals.go",
			"		close(a.sig.stop)\n", "",
			"cmd/ingest", "TestHeldAndInterrupted",
		},
		{
			area, "a second interrupt ends it at once", "cmd/ingest/signals.go",
			"		a.sig.cancel()\n", "",
			"cmd/ingest", "TestHeldAndInterrupted",
		},
		{
			area, "a closed stdout ends nothing but the output", "cmd/ingest/signals.go",
			"	signal.Ignore(syscall.SIGPIPE)\n", "",
			"cmd/ingest", "TestClosedStdout",
		},
		{
			area, "a panic in a worker ends the run as an error does", "internal/pipeline/panic.go",
			"if v := recover(); v != nil {", "if v := any(nil); v != nil {",
			"internal/pipeline", "TestPanicEndsTheRun",
		},
		{
			area, "an engine that another user came to is not waited for", "internal/engine/engine_linux.go",
			"		return e.othersStay()\n", "		return false, nil\n",
			"internal/engine", "TestComesWhileTheLastLeaves",
		},
		{
			area, "archives held open are bounded by ulimit -n", "internal/pipeline/batch.go",
			" && len(b.jobs) < l.openFiles {", " {",
			"cmd/ingest", "TestFewOpenFiles",
		},
	}
}

func ofRuns() []protection {
	const runs, clock = "concurrency", "clock"
	return []protection{
		{
			runs, "one run a network", "internal/checkpoint/lease.go",
			"		if c.run == l.run || !c.live || !l.clashes(c.worker) || ended(c.process) {\n", "		if true {\n",
			"internal/pipeline", "TestTwoRunsAtOnce",
		},
		{
			runs, "a claim is read back", "internal/checkpoint/lease.go",
			"			if other, err = l.conflict(ctx); err != nil {\n				return err\n			}\n", "",
			"internal/checkpoint", "TestClaimsAtOnce",
		},
		{
			runs, "shares of one n go together, other shares clash", "internal/checkpoint/lease.go",
			"	return n != m || i == j\n", "	_, _ = n, m\n	return i == j\n",
			"internal/checkpoint", "TestWorkersShare",
		},
		{
			runs, "each file is one worker's", "internal/pipeline/plan.go",
			"return int(h.Sum32()%uint32(r.Workers)) == r.Worker-1", "return true",
			"internal/pipeline", "TestWorkersTogether",
		},
		{
			runs, "a dead host's lease runs out", "internal/checkpoint/lease.go",
			"argMax(expires, seq) > now64(3) AND last_state", "last_state",
			"internal/checkpoint", "TestLeaseExpires",
		},
		{
			runs, "a dead process of this machine is known to be dead", "internal/checkpoint/process.go",
			"	return err == nil && startTime(pid) != fields[2]\n", "	return err == nil && startTime(pid) == \"0\"\n",
			"internal/checkpoint", "TestDeadProcessIsFreedAtOnce",
		},
		{
			runs, "a run that slept through a takeover stops", "internal/checkpoint/lease.go",
			"(c.since.After(l.since) || c.live && !ended(c.process))", "(c.live && !ended(c.process))",
			"internal/checkpoint", "TestConfirmSeesATakeover",
		},
		{
			runs, "the lease is renewed while a run works", "internal/checkpoint/lease.go",
			"	return l.write(ctx, stateHeld)\n}\n\n// Confirm", "	return nil\n}\n\n// Confirm",
			"internal/checkpoint", "TestRenew",
		},
		{
			clock, "a file's latest state is the highest version, not the latest time", "schema/004_ledger.sql",
			"ENGINE = {replacing:version}", "ENGINE = ReplacingMergeTree(updated_at)",
			"internal/checkpoint", "TestClockDecidesNothing",
		},
		{
			clock, "an INSERT's id is counted", "internal/pipeline/pipeline.go",
			"return r.insert.Add(1)", "return r.insert.Load()",
			"internal/faults", "TestClockJumps",
		},
		{
			clock, "… and begins by chance", "internal/pipeline/pipeline.go",
			"uint64(start.Unix())<<32 | uint64(rand.Uint32())", "uint64(start.Unix()) << 32",
			"internal/faults", "TestClockJumps/(stands-still|1970)",
		},
		{
			clock, "a day's slack before a file counts as expired", "internal/pipeline/plan.go",
			"time.Duration(days+1)*24*time.Hour", "time.Duration(days)*24*time.Hour",
			"internal/faults", "TestClockJumps",
		},
		{
			clock, "the nightly window reaches beyond a wrong clock", "cmd/ingest/cmd_run.go",
			"today.AddDate(0, 0, 2)", "today.AddDate(0, 0, 1)",
			"cmd/ingest", "TestLookbackByWrongClocks",
		},
	}
}

func ofSecrets() []protection {
	const secrets, text = "secrets", "untrusted text"
	return []protection{
		{
			secrets, "the API's words are searched for credentials", "internal/hasoffers/client.go",
			"		e.Messages[i] = c.hide(e.Messages[i])\n", "		_ = i\n",
			"internal/hasoffers", "TestNoSecretIsPrinted",
		},
		{
			secrets, "a transport's error is taken out of its URL, the API's", "internal/hasoffers/redact.go",
			"	if s := err.Error(); hide(s, secrets) != s {\n", "	if s := err.Error(); false && hide(s, secrets) != s {\n",
			"internal/hasoffers", "TestNoSecretIsPrinted",
		},
		{
			secrets, "a link is not told in its error", "internal/fetch/http.go",
			"return nil, transportError(f, hideLink(err, u))", "return nil, transportError(f, fmt.Errorf(\"%s: %w\", u, err))",
			"cmd/ingest", "TestSecretsShowNowhere",
		},
		{
			secrets, "a store's name is without its password", "internal/store/target.go",
			"t.name = \"clickhouse://\" + t.user + \"@\"", "t.name = \"clickhouse://\" + t.user + \":\" + t.password + \"@\"",
			"internal/store", "TestParseSpec",
		},
		{
			secrets, "an address whose password would be taken for something else is not read", "internal/store/target.go",
			"	if strings.Contains(after, \"@\") || strings.Contains(rest, \"#\") || strings.Count(authority, \"@\") > 1 {\n", "	if after == \"@\" {\n",
			"internal/store", "TestBadSpecKeepsItsSecret",
		},
		{
			secrets, "the engine's host sees no token and no key", "internal/engine/start.go",
			"	cmd.Env = hostEnvironment()\n", "	cmd.Env = append(os.Environ(), hostEnvironment()...)\n",
			"cmd/ingest", "TestSecretsInProcesses",
		},
		{
			text, "file names in messages are printable", "internal/fetch/errors.go",
			"	if q[1:len(q)-1] == name {\n", "	if true {\n",
			"internal/fetch", "TestPrintable",
		},
		{
			text, "what a terminal is shown is clean", "cmd/ingest/print.go",
			"	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {\n", "	if true {\n",
			"cmd/ingest", "TestClean",
		},
		{
			text, "identifiers are quoted", "internal/store/statements.go",
			"strings.NewReplacer(\"\\\\\", \"\\\\\\\\\", \"`\", \"\\\\`\").Replace(name)", "strings.NewReplacer().Replace(name)",
			"internal/store", "TestAddressRefused",
		},
	}
}
