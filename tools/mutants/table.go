package main

import (
	"fmt"
	"slices"
	"strings"
)

// protections are all that docs/protections.md shows, in its order.
func protections() []protection {
	var all []protection
	for _, part := range []struct {
		area string
		of   []protection
	}{
		{"network", network}, {"storage", storage}, {"API", api},
		{"ZIP", archives}, {"CSV", texts}, {"words", words}, {"privacy", private}, {"forgetting", forgetting}, {"values", values}, {"spellings", spellings}, {"time", times},
		{"store", stores}, {"cluster", clusters}, {"process", processes}, {"events", events}, {"report", conversionReport},
		{"issues", issues}, {"concurrency", runs}, {"clock", clocks}, {"months that are over", ttl}, {"secrets", secrets}, {"untrusted text", untrusted}, {"untrusted files", trusting},
	} {
		for _, p := range slices.Clone(part.of) {
			p.Area = part.area
			all = append(all, p)
		}
	}
	return all
}

// guard makes an entry of the table; its area is the list's.
func guard(name, what string, c change, pkg, test string) protection {
	return protection{Name: name, What: what, Change: c, Package: pkg, Test: test}
}

const written = "docs/protections.md"

// markdown is that file.
func markdown(all []protection) string {
	var b strings.Builder
	b.WriteString(`<!-- Written by go run ./tools/mutants -write. Change the table in tools/mutants, then run it again. -->

# Protections and the tests that notice their absence

` + "`make mutants`" + ` takes each protection out of the code, one at a time, and expects the named test to fail. Where a protection
is, its mark says: ` + "`git grep guard:crc32`" + `. [reliability.md](reliability.md) says what they protect from.

| area | protection taken out | mark | fails |
|---|---|---|---|
`)
	for _, p := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s `%s` |\n",
			p.Area, p.What, p.Name, strings.TrimPrefix(p.Package, "internal/"), strings.ReplaceAll(p.Test, "|", "¦"))
	}
	return b.String()
}
