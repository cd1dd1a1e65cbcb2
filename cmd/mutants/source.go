package main

// protections are all that docs/reliability.md speaks of, in its order.
func protections() []protection {
	var all []protection
	for _, part := range [][]protection{onTheWay(), ofStorage(), ofTheAPI(), ofArchives(), ofTexts(), ofValues(), ofTheStore(), ofProcesses(), ofRuns(), ofSecrets()} {
		all = append(all, part...)
	}
	return all
}

func onTheWay() []protection {
	const area = "network"
	return []protection{
		{
			area, "a file that cannot be had fails by itself, the others go on", "internal/pipeline/feed.go",
			"			if err := r.fail(ctx, j, err); err != nil {\n				return err\n			}\n			continue\n",
			"			return err\n",
			"internal/faults", "TestLinkFails",
		},
		{
			area, "a connection that breaks is tried again", "internal/fetch/errors.go",
			"func retryable(err error) bool { return KindOf(err) == Unavailable }",
			"func retryable(err error) bool { return false }",
			"internal/fetch", "TestHTTPFaults/cut_twice",
		},
		{
			area, "tries are bounded", "internal/fetch/fetch.go",
			"if tries++; tries >= d.Attempts {", "if tries++; tries >= 2*d.Attempts {",
			"internal/fetch", "TestHTTPFaults/500_for_ever",
		},
		{
			area, "calls of the API are tried again", "internal/hasoffers/errors.go",
			"return ok && (k == Unavailable || k == Malformed)", "return ok && k == Malformed && false",
			"internal/hasoffers", "TestRetries",
		},
		{
			area, "an idle body is given up", "internal/fetch/transfer.go",
			"time.AfterFunc(t.IdleTimeout, func() { cancel(errIdle) })", "time.AfterFunc(t.TotalTimeout, func() {})",
			"internal/faults", "TestNetworkToStorage/stalled-in-mid-body",
		},
		{
			area, "a trickle counts as idle", "internal/fetch/transfer.go",
			"if fed += n; fed >= little {", "if fed += n; fed > 0 {",
			"internal/faults", "TestTrickle/a-byte-now-and-then",
		},
		{
			area, "an unexpected end of a body is no end", "internal/fetch/transfer.go",
			"	case end && (t.size < 0 || t.offset == t.size):", "	case end:",
			"internal/fetch", "TestEndBeforeTheAnnouncedSize",
		},
		{
			area, "an answer without a length is not believed", "internal/fetch/http.go",
			"if res.ContentLength < 0 && res.ProtoMajor == 1 && len(res.TransferEncoding) == 0 {", "if false {",
			"internal/fetch", "TestHTTPFaults/no_length",
		},
		{
			area, "a download goes on where it broke", "internal/fetch/http.go",
			"			req.Header.Set(\"Range\", fmt.Sprintf(\"bytes=%d-\", offset))\n", "",
			"internal/fetch", "TestHTTPFaults/cut_every_70_KB,_more_often_than_attempts",
		},
		{
			area, "the MD5 is compared with the ETag", "internal/fetch/md5.go",
			"	case strings.EqualFold(got, etag):", "	case strings.EqualFold(got, etag) || true:",
			"internal/faults", "TestNetworkToStorage/bits-flipped-all-the-time",
		},
		{
			area, "where no MD5 vouches, the ZIP's CRC decides on another download", "internal/pipeline/feed.go",
			"if err != nil || archive.Checked {", "if true {",
			"internal/faults", "TestNetworkToStorage/a-bit-flipped-in-passing,-and-no-MD5-to-tell",
		},
		{
			area, "certificates are verified by storage's client", "internal/fetch/http.go",
			"TLSClientConfig:       h.TLS,", "TLSClientConfig:       &tls.Config{InsecureSkipVerify: true},",
			"internal/faults", "TestCertificates",
		},
		{
			area, "a certificate that proves nothing is no passing trouble", "internal/hasoffers/client.go",
			"		if untrusted(err) {\n			e.Kind = Untrusted\n		}\n", "",
			"internal/faults", "TestCertificates",
		},
		{
			area, "what does not begin like a ZIP is none", "internal/fetch/transfer.go",
			"if !bytes.HasPrefix(t.head, []byte(\"PK\")) {", "if bytes.HasPrefix(t.head, nil) && false {",
			"internal/fetch", "TestHTTPFaults/octets,_no_ZIP",
		},
	}
}

func ofStorage() []protection {
	const area = "storage"
	return []protection{
		{
			area, "503 and 500 are waited out", "internal/fetch/errors.go",
			"status == http.StatusTooEarly, status >= 500:", "status == http.StatusTooEarly:",
			"internal/fetch", "TestHTTPFaults/503_twice",
		},
		{
			area, "a new link after 403", "internal/fetch/http.go",
			"if tries < newLinks {", "if tries < 0 {",
			"internal/faults", "TestExpiredLinks/some",
		},
		{
			area, "404 fails the file alone, and at once", "internal/fetch/errors.go",
			"	case status == http.StatusNotFound, status == http.StatusGone:\n		return NotFound\n", "",
			"internal/fetch", "TestHTTPFaults/gone",
		},
		{
			area, "a file that changed between two ranges is begun anew", "internal/fetch/fetch.go",
			"t.restart(kind == Changed)", "_ = kind",
			"internal/fetch", "TestHTTPFaults/replaced_between_ranges",
		},
		{
			area, "a link's scheme and address are looked at", "internal/fetch/http.go",
			"		if err := checkLink(u, h.AllowHTTP); err != nil {\n			return nil, fail(f, Refused, err)\n		}\n", "",
			"internal/faults", "TestLinkFails",
		},
		{
			area, "a name may not resolve to a link-local address", "internal/fetch/guard.go",
			"		return &refusedError{\"the link's host resolves to \" + addr.String() + \", which is never storage\"}\n", "		return nil\n",
			"internal/fetch", "TestDialIsChecked",
		},
		{
			area, "redirects are bounded", "internal/fetch/http.go",
			"if hop == redirects {", "if hop == 100*redirects {",
			"internal/fetch", "TestRedirectsAreBounded",
		},
	}
}

func ofTheAPI() []protection {
	const area = "API"
	return []protection{
		{
			area, "an answer that says no is an error, also with HTTP 200", "internal/hasoffers/envelope.go",
			"case httpStatus != http.StatusOK, len(e.Messages) > 0, e.Code != 0, status != nil && code != 1:", "case false:",
			"internal/hasoffers", "TestDecode",
		},
		{
			area, "no files only where the API says so", "internal/hasoffers/rawlog.go",
			"	if s := shape(raw); s != \"an array\" && s != \"an object\" {\n		return fmt.Errorf(\"%s is %s\", member, s)\n	}\n", "	if raw == nil {\n		return nil\n	}\n",
			"internal/faults", "TestListingFails",
		},
		{
			area, "a refusal by the rate limit is waited out", "internal/hasoffers/client.go",
			"case e.Kind == RateLimited && waits < c.Waits:", "case false:",
			"internal/faults", "TestRateLimited",
		},
		{
			area, "calls keep within the limit, as the server counts it", "internal/hasoffers/window.go",
			"		counted = counted.Add(w.span + w.margin)\n", "		counted = counted.Add(w.span / 2)\n",
			"internal/hasoffers", "TestRateIsKept",
		},
		{
			area, "a refused token ends the run at once", "internal/pipeline/feed.go",
			"return errors.As(err, &api) && (api.Kind == hasoffers.Unauthenticated || api.Kind == hasoffers.Permission)", "return errors.As(err, &api) && false",
			"internal/faults", "TestTokenRevoked",
		},
		{
			area, "a listing that repeats a file names one file", "internal/pipeline/plan.go",
			"if seen[key] || !r.mine(f.Name)", "if !r.mine(f.Name)",
			"internal/pipeline", "TestListedTwice",
		},
		{
			area, "a listing by prefix is believed only where single days agree", "internal/dirs/api.go",
			"		if !names[f.Name] {\n", "		if !names[f.Name] && false {\n",
			"internal/dirs", "TestAPIPrefixesAreVerified",
		},
		{
			area, "what is listed no more is reported", "internal/pipeline/plan.go",
			"				s.Missing = append(s.Missing, e.File)\n", "",
			"internal/faults", "TestVanishedFile",
		},
		{
			area, "a second file of an hour is reported", "internal/pipeline/plan.go",
			"			if len(files) > 1 {\n				slices.Sort(files)", "			if len(files) > 2 {\n				slices.Sort(files)",
			"internal/faults", "TestSecondFileOfAnHour",
		},
		{
			area, "size and tag of the listing are compared with the ledger's", "internal/pipeline/plan.go",
			"if e.State == checkpoint.Loaded && !r.Reload && !changed(e.File, f) {", "if e.State == checkpoint.Loaded && !r.Reload {",
			"internal/faults", "TestReplacedFile",
		},
		{
			area, "a replaced file's rows are taken out before the new ones go in", "internal/pipeline/loader.go",
			"	if !j.replace {\n		return nil\n	}\n	if err := l.withdraw", "	if j.replace {\n		return nil\n	}\n	if err := l.withdraw",
			"internal/faults", "TestReplacedFile",
		},
		{
			area, "a large replacement is verified before the old rows go", "internal/pipeline/slices.go",
			"		if err := verify(&l.inflater, j.archive); err != nil {\n			return l.fail(ctx, j, err)\n		}\n", "",
			"internal/faults", "TestReplacedByBrokenFile",
		},
		{
			area, "failed and planned files are loaded by a later run", "internal/pipeline/plan.go",
			"return e != nil && (e.State == checkpoint.Planned || e.State == checkpoint.Failed)", "return false",
			"internal/faults", "TestVanishedFile",
		},
	}
}
