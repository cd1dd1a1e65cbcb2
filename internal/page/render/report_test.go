package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rawlogs/internal/page"
)

// reported is a report of conversions by day: one of them failed, another one nobody loaded,
// a third has an issue, and rows of a fourth are lost.
func reported(n *page.Network, first, last int64) page.Calendar {
	c := page.Calendar{Type: "conversion_report", Loader: "conversions", Daily: true, First: first * 24, Day: first, Count: true, Report: []page.Report{}}
	n.DaySums = map[string]int{}
	var states []page.State
	for day := first; day <= last; day++ {
		state, rest := page.Loaded, fmt.Sprintf("%d,,,,,1,%d,", 900+day%50, 185+day%30)
		switch last - day {
		case 3:
			state, rest = page.Failed, "0,,,,3,1,400,2"
		case 5:
			state, rest = page.Noted, "912,,2,,,1,190,1"
		case 9:
			state, rest = page.Differs, "912,905,,,,1,190,"
		case 12:
			state = page.Unknown
		}
		text := ""
		if state != page.Unknown {
			text = fmt.Sprintf("0,%c,%s,24,/report/conversions-%s.csv", state, rest, time.Unix(day*86400, 0).UTC().Format("20060102"))
			n.DaySums[string(state)]++
		}
		c.Files = append(c.Files, text)
		for range 24 {
			states = append(states, state)
		}
	}
	c.States = page.Lengths(states)
	return c
}

// bare is a page of networks that have nothing but the report.
func bare(d page.Data) page.Data {
	for i := range d.Networks {
		n := &d.Networks[i]
		n.Sums, n.Headline = map[string]int{}, page.Headline{Level: "bad", Text: "1 day of the report failed", More: "361 days of the report loaded"}
		for k := range n.Types {
			if c := &n.Types[k]; !c.Daily {
				c.States, c.Files, c.First, c.Day, c.Report = "", []string{}, 0, 0, []page.Report{}
			}
		}
	}
	return d
}

// west puts the networks seven hours behind UTC.
func west(d page.Data) page.Data {
	for i := range d.Networks {
		d.Networks[i].Zone = page.Zone{Name: "America/Phoenix", From: [][2]int64{{0, -420}}}
	}
	return d
}

const commands = `[...document.querySelectorAll("#day .command code")].map((c) => c.textContent).join("\n")`

// days of the report have a band of their own, and no hours.
func days(tb *tab) {
	want(tb, `document.querySelectorAll("#day .hours").length`, 0)
	x, y := tb.spot("2026-11-24", "conversion_report")
	tb.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	tb.has(`document.getElementById("tip").innerText`, "Tuesday 24 November 2026", "conversion_report", "Failed", "Attempts", "Last read", "2026-11-25 06:40 UTC", "Ledger", "Store")
	want(tb, `/Lateness|Network|24 failed/.test(document.getElementById("tip").innerText)`, false)
	tb.do(chromedp.MouseClickXY(x, y))
	want(tb, `document.getElementById("day-title").textContent`, "Tuesday 24 November 2026")
	want(tb, `document.querySelectorAll("#day .hours thead th").length`, 4) // the hour, and three types
	tb.has(commands, "ingest backfill 20261124 --type clicks --network acme", "ingest conversions 20261124 --network acme")
	tb.has(`document.querySelector("#day .whole").innerText`, "conversion_report · the whole day", "report/conversions-20261124.csv", "Failed", "the CRC-32 differs", "Last read")
	tb.has(`document.querySelector("#day .whole").getAttribute("aria-label")`, "conversion_report of the day")
	tb.shot("days")
	for date, has := range map[string]string{
		"2026-11-27": "ingest conversions 20261127 --network acme", "2026-11-22": "ingest issues 20261122 --type conversion_report --network acme --all",
		"2026-11-18": "ingest conversions --reload 20261118 --network acme", "2026-11-15": "ingest conversions 20261115 --network acme",
	} {
		x, y = tb.spot(date, "conversion_report")
		tb.do(chromedp.MouseClickXY(x, y))
		tb.has(commands, has)
	}
	tb.has(`document.querySelector("#day .whole").innerText`, "conversion_report · the whole day")
	x, y = tb.spot("2026-11-15", "conversion_report")
	tb.do(chromedp.MouseClickXY(x, y))
	tb.has(`document.querySelector("#day .whole").innerText`, "nobody has loaded this day")

	// By keys, and read out.
	tb.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.ArrowRight))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Sunday 22 November 2026, conversion_report: Loaded with rejected or rescued, 1 file, 912 rows, 2 rejected")
	tb.has(`document.getElementById("live").textContent`, "22 November 2026, conversion_report")
	for range 7 { // above Monday is the type before
		tb.do(chromedp.KeyEvent(kb.ArrowUp))
	}
	tb.has(`document.activeElement.getAttribute("aria-label")`, "impressions")
	tb.has(`document.querySelector("svg.year").getAttribute("aria-label")`, "conversion_report 2026:", "1 day failed")
	// The clock changes hours, and no dates.
	tb.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".switch")].find((b) => b.textContent === "UTC").click()`))
	x, y = tb.spot("2026-11-24", "conversion_report")
	tb.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	tb.has(`document.getElementById("tip").innerText`, "Tuesday 24 November 2026", "Failed")
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".folded summary").click()`))
	run(tb, chromedp.Poll[bool](`document.querySelectorAll(".folded table tbody tr").length > 0`))
	tb.has(`[...document.querySelectorAll(".folded table tbody tr")].find((r) => r.innerText.includes("conversion_report")).innerText`, "read 2026-11-28")
}

// daysAlone: where nobody loads raw logs, no part of the page is about them.
func daysAlone(tb *tab) {
	want(tb, `document.querySelectorAll("svg.year text.type").length`, 4) // two years, two lines each
	want(tb, `[...document.querySelectorAll(".todo button")].map((b) => b.textContent).join()`, "24 November, conversion_reportfailed,18 November, conversion_reportreconcile disagrees")
	tb.do(chromedp.Focus(chromedp.CSS(".cursor")), chromedp.KeyEvent(kb.Enter))
	want(tb, `document.getElementById("day-title").textContent`, "Friday 27 November 2026")
	want(tb, `document.querySelectorAll("#day .hours, #day .hour, .switch").length`, 0)
	tb.has(`document.querySelector(".key .zone").textContent`, "Days of Europe/Prague")
	want(tb, `document.querySelectorAll("#day tbody tr").length`, 1)
	want(tb, commands, "ingest conversions 20261127 --network acme")
	if got := js[string](tb, `document.getElementById("main").innerText + document.getElementById("day").innerText`); strings.Contains(got, "impressions ") {
		tb.Error("the page tells of impressions")
	}
	tb.shot("days-alone")
}

// daysInTheWest: a date is the network's, however far it is from UTC.
func daysInTheWest(tb *tab) {
	tb.do(chromedp.Focus(chromedp.CSS(".cursor")), chromedp.KeyEvent(kb.End))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Friday 27 November 2026, conversion_report: Loaded, 1 file")
	want(tb, `document.querySelectorAll("svg.year").length`, 2)
}
