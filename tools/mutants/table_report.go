package main

var conversionReport = []protection{
	guard("report-kept", "a day that the network answers no longer is not asked for: its answer would be empty",
		swap("1-Kept", "-2*Kept"), "internal/dirs/convreport", "TestWalk"),
	guard("report-token-refused", "refused credentials end the run",
		never, "internal/dirs/convreport", "TestRefused"),
	guard("report-walk", "rows that only a reading without an end has are not those of the day",
		swap("d.good[row.walk]", "d.good[row.walk] || true"), "internal/dirs/convreport", "TestKeys"),
	guard("report-count", "a day with fewer rows than announced says so",
		never, "internal/dirs/convreport", "TestPages"),
	guard("report-last-page", "a full page is not the last one, whatever its count says",
		swap(" && len(page.Rows) < s.Limit", ""), "internal/dirs/convreport", "TestPages"),
	guard("report-keyless", "rows without a key are not one row",
		swap(`key == "" || key == "0"`, "false"), "internal/dirs/convreport", "TestKeys"),
	guard("report-of-its-day", "rows of another day than was asked for are refused",
		never, "internal/dirs/convreport", "TestShapes"),
	guard("report-asked-again", "a day that is loaded is compared with the report as it stands",
		swap("f.Type == rawlog.ConversionReport", "false"), "internal/pipeline", "TestReportReplaced"),
	guard("report-emptied", "an answer without rows does not take a day's rows away",
		always, "internal/pipeline", "TestReportReplaced"),
	guard("report-count-told", "what the source says of a day's count is an issue",
		put("return nil"), "internal/pipeline", "TestReportOdd"),
}
