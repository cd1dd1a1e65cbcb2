package render

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rawlogs/internal/page"
	"rawlogs/internal/web"
)

// TestPage drives the page in one Chromium: every complaint of its console, violation of
// its policy and request of it is an error.
func TestPage(t *testing.T) {
	t.Parallel()
	b := browser(t)
	one := open(b, t, sample(1, day, "acme"))
	t.Run("pointer", func(t *testing.T) { pointer(one.of(t)) })
	t.Run("keys", func(t *testing.T) { keys(one.of(t)) })
	t.Run("clocks", func(t *testing.T) { clocks(one.of(t)) })
	t.Run("table", func(t *testing.T) { tables(one.of(t)) })
	t.Run("print", func(t *testing.T) { printed(one.of(t)) })
	t.Run("hostile", func(t *testing.T) { hostileNames(open(b, t, spoilt())) })
	t.Run("dark and narrow", func(t *testing.T) {
		narrow(open(b, t, sample(1, day, "acme"), dark(), chromedp.EmulateViewport(390, 844)))
	})
	t.Run("empty", func(t *testing.T) {
		tb := open(b, t, sample(1, day))
		want(tb, `document.querySelector("h1").textContent`, "Nothing is loaded yet")
		tb.shot("empty")
	})
	t.Run("two networks", func(t *testing.T) {
		tb := open(b, t, sample(1, day, "acme", "beta-eu"))
		want(tb, `document.querySelectorAll("section.network .cursor").length`, 2)
		tb.shot("two")
	})
	t.Run("days", func(t *testing.T) { days(open(b, t, sample(1, day, "acme"))) })
	t.Run("days alone", func(t *testing.T) { daysAlone(open(b, t, bare(sample(1, day, "acme")), dark())) })
	t.Run("days in the west", func(t *testing.T) { daysInTheWest(open(b, t, west(bare(sample(1, day, "acme"))))) })
	t.Run("ten years", func(t *testing.T) { tenYears(b, t) })
	t.Run("served", func(t *testing.T) { served(b, t) })
}

// spot is the middle of the cursor, after it was moved to a day.
func (tb *tab) spot(date, typ string) (x, y float64) {
	tb.Helper()
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("svg.year").scrollIntoView({block: "center"})`))
	at := js[[]float64](tb, fmt.Sprintf(`(() => {
		const svg = document.querySelector("svg.year"), box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
		const day = Date.parse(%q) / 864e5, first = Date.UTC(new Date(day * 864e5).getUTCFullYear(), 0, 1) / 864e5, lead = (first + 3) %% 7, slot = day - first + lead;
		const row = {clicks: 0, conversions: 1, impressions: 2, conversion_report: 3}[%q];
		return [box.left + (106 + Math.floor(slot / 7) * 13 + 5) * scale, box.top + (18 + row * 105 + slot %% 7 * 13 + 5) * scale];
	})()`, date, typ))
	return at[0], at[1]
}

func pointer(tb *tab) {
	want(tb, `document.querySelectorAll(".legend li").length`, 11)
	want(tb, `new Set([...document.querySelectorAll(".legend path")].map((p) => p.getAttribute("d"))).size`, 11)
	want(tb, `document.querySelectorAll("svg.year").length`, 2)
	tb.shot("light")
	x, y := tb.spot("2026-11-18", "impressions")
	tb.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	tb.has(`document.getElementById("tip").innerText`, "Wednesday 18 November 2026", "impressions", "Reconcile disagrees", "Files", "Rows", "Rejected", "Attempts", "Lateness", "Run", "Ledger", "Store", "Network’s report", "118,282")
	tb.shot("tip")
	x, y = tb.spot("2026-11-24", "clicks")
	tb.do(chromedp.MouseClickXY(x, y))
	want(tb, `document.getElementById("day-title").textContent`, "Tuesday 24 November 2026")
	want(tb, `document.querySelectorAll("#day .hours tbody tr").length`, 24)
	want(tb, `document.querySelectorAll("#day .hours tbody button").length`, 72)
	want(tb, `document.querySelector("#day .command code").textContent`, "ingest backfill 20261124 --type clicks --network acme")
	tb.has(`document.querySelector("#day .repair").innerText`, "1 hour of clicks")
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".hour[aria-label*='Failed']").click()`))
	tb.has(`document.querySelector("#day .files").innerText`, ".zip", "the CRC-32 differs", "Attempts", "Ledger written")
	tb.do(chromedp.Click(chromedp.CSS("#day .copy")))
	run(tb, chromedp.Poll[bool](`document.getElementById("live").textContent === "Copied"`))
	tb.shot("day")
}

func keys(tb *tab) {
	tb.do(chromedp.KeyEvent(kb.Escape))
	want(tb, `document.getElementById("day").hidden`, true)
	want(tb, `document.activeElement.className`, "cursor") // where it was opened
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Tuesday 24 November 2026, clicks: Failed")
	want(tb, `getComputedStyle(document.activeElement).outlineStyle`, "solid")
	tb.do(chromedp.KeyEvent(kb.ArrowDown))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Wednesday 25 November 2026, clicks: Missing")
	tb.has(`document.getElementById("live").textContent`, "25 November")
	tb.do(chromedp.KeyEvent(kb.ArrowLeft))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Wednesday 18 November 2026, clicks")
	tb.do(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowRight))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Monday 23 November 2026, clicks")
	for range 7 { // past Sunday is the Monday of the next type
		tb.do(chromedp.KeyEvent(kb.ArrowDown))
	}
	tb.has(`document.activeElement.getAttribute("aria-label")`, "conversions")
	tb.do(chromedp.KeyEvent(kb.Home))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Thursday 1 January 2026, conversions")
	tb.do(chromedp.KeyEvent(kb.ArrowLeft))
	tb.has(`document.activeElement.getAttribute("aria-label")`, "Thursday 25 December 2025")
	want(tb, `document.activeElement.className`, "cursor")
	tb.do(chromedp.KeyEvent(kb.Enter))
	want(tb, `document.getElementById("day-title").textContent`, "Thursday 25 December 2025")
	want(tb, `document.activeElement.id`, "day")
	tb.do(chromedp.KeyEvent(kb.Escape))
	want(tb, `document.activeElement.className`, "cursor")
}

// openDay opens a day of the year that the drawing shows first.
func openDay(tb *tab, date string) {
	tb.Helper()
	x, y := tb.spot(date, "clicks")
	tb.do(chromedp.MouseClickXY(x, y))
}

func clocks(tb *tab) {
	for date, hours := range map[string]int{"2026-10-25": 25, "2026-03-29": 23, "2026-06-01": 24} {
		openDay(tb, date)
		want(tb, `document.querySelectorAll("#day .hours tbody tr").length`, hours)
	}
	openDay(tb, "2026-10-25")
	want(tb, `[...document.querySelectorAll("#day .hours tbody th")].filter((h) => h.textContent.startsWith("02:00")).length`, 2)
	tb.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".switch")].find((b) => b.textContent === "UTC").click()`))
	openDay(tb, "2026-10-25")
	want(tb, `document.querySelectorAll("#day .hours tbody tr").length`, 24)
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".switch").click()`))
}

func tables(tb *tab) {
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".folded summary").click()`))
	run(tb, chromedp.Poll[bool](`document.querySelectorAll(".folded table tbody tr").length > 0`))
	tb.has(`document.querySelector(".folded table").innerText`, "Hours not loaded", "Ledger", "Store", "Report", "2026-11-25", "conversions", "Missing")
	want(tb, `document.querySelectorAll("[role=grid][aria-label], svg[role=img][aria-label]").length >= 5`, true)
	want(tb, `[...document.querySelectorAll("button")].every((b) => b.textContent.trim() || b.getAttribute("aria-label"))`, true)
	want(tb, `document.querySelector("[aria-live=polite]") !== null && document.documentElement.lang`, "en")
	tb.has(`document.body.innerText`, "Headers without a column", "privacy_flag", "Rejected lines", "61 fields, want 62", "Open issues", "Disk", "Runs")
}

func printed(tb *tab) {
	openDay(tb, "2026-11-24")
	pdf := run(tb, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, cdppage.PrintToPDF, cdppage.PrintToPDFParams{PrintBackground: new(true), PreferCSSPageSize: new(true)})
		return r.Data, err
	})
	if len(pdf) < 20_000 || string(pdf[:4]) != "%PDF" {
		tb.Errorf("a PDF of %d bytes", len(pdf))
	}
	if dir := os.Getenv("PAGE_SHOTS"); dir != "" {
		_ = os.WriteFile(dir+"/print.pdf", pdf, 0o600)
	}
	tb.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	want(tb, `getComputedStyle(document.querySelector(".copy")).display + getComputedStyle(document.querySelector(".cursor")).display`, "nonenone")
	want(tb, `getComputedStyle(document.getElementById("day")).position`, "static")
	tb.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// spoilt is a page all of whose texts are hostile.
func spoilt() page.Data {
	d := sample(1, day, strings.Join(hostile, ""), "two")
	all := strings.Join(hostile, " ")
	d.Store, d.Version, d.Warnings = all, all, hostile
	n := &d.Networks[0]
	n.Source, n.Headline.Text, n.Headline.More, n.Zone.Name = all, all, all, all
	n.Texts, n.RunIDs = []string{all, all, all}, []string{all, all}
	for i := range n.Types {
		last := len(n.Types[i].Files) - 4
		n.Types[i].Files[last] = "3,f,1,2,3,4,5,0,9,0,,/" + strings.NewReplacer("\n", "").Replace(all)
	}
	for _, text := range hostile {
		n.Issues = append(n.Issues, page.Issue{Type: text, Name: text, Kind: text, Text: text})
		n.Rejected = append(n.Rejected, page.Rejected{Type: text, Reason: text})
		n.Runs = append(n.Runs, page.Run{ID: text, Command: text, Status: text, Error: text, Begun: day.Unix(), Seconds: 1})
		d.Headers = append(d.Headers, page.Header{Type: text, Name: text})
		d.Disk = append(d.Disk, page.Disk{Table: text, Month: text, Bytes: 1})
	}
	return d
}

func hostileNames(tb *tab) {
	want(tb, `document.querySelectorAll("script").length`, 3)
	openDay(tb, time.Unix(day.Unix()/86400*86400-2*86400, 0).UTC().Format(time.DateOnly))
	tb.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("summary").forEach((s) => s.click()); document.querySelectorAll(".more.quiet").forEach((s) => s.click()); document.querySelectorAll("#day .hour").forEach((h) => h.click())`))
	x, y := tb.spot(time.Unix(day.Unix()-2*86400, 0).UTC().Format(time.DateOnly), "clicks")
	tb.do(chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	want(tb, `typeof window.owned`, "undefined")
	want(tb, `document.querySelectorAll("img, iframe, object, embed, a[href^='javascript'], [onerror], [onload], [style*='url']").length`, 0)
	want(tb, `document.querySelectorAll("script").length`, 3)
	tb.has(`document.body.textContent`, hostile[0], hostile[1], hostile[6])
	want(tb, `document.querySelector("#day .command code").textContent.includes("--network '</script>")`, true)
	tb.shot("hostile")
}

func narrow(tb *tab) {
	want(tb, `getComputedStyle(document.body).backgroundColor`, "rgb(20, 23, 26)")
	want(tb, `document.documentElement.scrollWidth <= 390`, true)
	tb.shot("phone")
	tb.do(chromedp.Click(chromedp.CSS(".todo button")))
	want(tb, `document.getElementById("day").getBoundingClientRect().width`, 390.0)
	tb.shot("phone-day")
}

// tenYears shows ten years of three types; TestPage -v says how long the page's thread
// computed, and how long it took by the clock.
func tenYears(b context.Context, t *testing.T) {
	thread := performance.EnableTimeDomainThreadTicks
	tb := open(b, t, sample(10, day, "acme"), call(performance.Enable, performance.EnableParams{TimeDomain: thread}))
	metrics := run(tb, func(ctx context.Context, t *chromedp.Target) (performance.GetMetricsResult, error) {
		return cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
	})
	seconds := 0.0
	for _, m := range metrics.Metrics {
		if m.Name == "ScriptDuration" || m.Name == "LayoutDuration" || m.Name == "RecalcStyleDuration" {
			t.Logf("%s %.0f ms of the thread", m.Name, m.Value*1000)
			seconds += m.Value
		}
	}
	if seconds == 0 {
		t.Error("nothing was measured")
	}
	t.Logf("%.0f ms of the thread in all", seconds*1000)
	t.Logf("drawn after %s ms by the clock", js[string](tb, `document.documentElement.dataset.drawn`))
	want(tb, `document.querySelectorAll("svg.year").length`, 11)
	tb.shot("ten")
}

// served is the page by HTTP, behind its form.
func served(b context.Context, t *testing.T) {
	s, err := web.Listen(t.Context(), web.Config{Listen: "127.0.0.1:0", Password: "open sesame", Policy: Policy(), Document: func(context.Context) ([]byte, error) {
		var out strings.Builder
		err := Page(&out, sample(1, day, "acme"))
		return []byte(out.String()), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	tb := visit(b, t, s.URL(), s.URL()+"login")
	tb.do(chromedp.SendKeys(chromedp.CSS("#password"), "open sesame\r"), chromedp.WaitVisible(chromedp.CSS(".legend")))
	want(tb, `document.cookie`, "")
	want(tb, `document.querySelectorAll(".legend li").length`, 11)
	tb.shot("served")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPolicy: nothing but what is in the page may run, whatever is in its data.
func TestPolicy(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Page(&b, spoilt()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if strings.Contains(Policy(), "unsafe") || !strings.HasPrefix(Policy(), "default-src 'none'; ") {
		t.Error(Policy())
	}
	if n := strings.Count(strings.ToLower(text), "</script"); n != 3 {
		t.Errorf("%d ends of scripts; want 3", n)
	}
	for _, never := range []string{" style=\"", "<img", "<svg"} {
		if strings.Contains(text, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	_, scripts, _ := strings.Cut(text, "<script type")
	if strings.ContainsAny(scripts, "\u2028\u2029") {
		t.Error("a script holds a line separator of JavaScript")
	}
	_, after, _ := strings.Cut(text, "<script>")
	inline, _, _ := strings.Cut(after, "</script>")
	if got := source(inline); !strings.Contains(Policy(), got) {
		t.Errorf("the policy does not allow the script, %s", got)
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(source(""), "'sha256-"), "'")); err != nil {
		t.Error(err)
	}
}

// FuzzPage: no text of others ends the element that it stands in.
func FuzzPage(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := sample(0, day, text)
		d.Store, d.Warnings, d.Networks[0].Texts = text, []string{text}, []string{text}
		d.Networks[0].Types[0].Files = []string{text}
		d.Networks[0].Headline.Text = text
		var b strings.Builder
		if err := Page(&b, d); err != nil {
			t.Fatal(err)
		}
		plain := strings.ToLower(b.String())
		for tag, n := range map[string]int{"<script": 3, "</script": 3, "<style": 1, "<meta": 5, "<!--": 0, "<iframe": 0} {
			if got := strings.Count(plain, tag); got != n {
				t.Errorf("%d of %s; want %d", got, tag, n)
			}
		}
	})
}
