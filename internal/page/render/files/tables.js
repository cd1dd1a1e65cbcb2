// Tables: what stands below the calendar, and the calendar for those who read tables.
function table(caption, columns, rows, most = 20) {
  const body = el("tbody");
  const add = (some) => body.append(...some.map((cells) => el("tr", {}, cells.map((c, i) => el("td", {class: columns[i].n ? "n" : columns[i].wide ? "wide" : null}, c)))));
  add(rows.slice(0, most));
  const box = el("div", {class: "scroll"}, el("table", {class: "data"}, el("caption", {class: "unseen"}, caption),
    el("thead", {}, el("tr", {}, columns.map((c) => el("th", {scope: "col", class: c.n ? "n" : null}, c.name)))), body));
  if (rows.length <= most) return box;
  const more = el("button", {type: "button", class: "quiet more", onclick: () => {
    add(rows.slice(most));
    more.remove();
  }}, `Show all ${number(rows.length)}`);
  return el("div", {}, box, more);
}

function section(title, note, ...children) {
  return el("section", {class: "part"}, el("h2", {}, title), note ? el("p", {class: "note"}, note) : null, ...children);
}

const col = (name) => ({name});
const num = (name) => ({name, n: true});
const wide = (name) => ({name, wide: true});
const hourText = (hour) => (hour > 0 ? instant(hour * 3600) : "–");

function folded(title, make) {
  const box = el("details", {class: "folded"}, el("summary", {}, title));
  box.addEventListener("toggle", () => {
    if (box.open && box.childElementCount === 1) box.append(make());
  });
  return box;
}

function networkParts(model) {
  const n = model.network, parts = [];
  if (!model.empty) parts.push(folded("The calendar as a table", () => calendarTable(model)));
  if (n.runs.length) {
    parts.push(section("Runs", null, runChart(n.runs), folded("Runs as a table", () => table("Runs",
      [col("Begun"), col("Command"), col("Status"), num("Took"), num("Files"), num("Rows"), num("Rows/s"), wide("Error")],
      n.runs.map((r) => [instant(r.begun), r.command, r.status, duration(r.seconds), number(r.files), number(r.rows), speed(r), r.error])))));
  }
  if (n.issues.length) {
    parts.push(section(`Open issues`, "Each is reported until its file is loaded without it, or somebody says why to ignore it.", table("Open issues",
      [col("Issue"), wide("File"), col("Since"), wide("What")], n.issues.map((i) => [i.kind, `${i.type} ${i.name}`, i.since > 0 ? instant(i.since).slice(0, 10) : "–", i.text]))));
  }
  if (n.rejected.length) {
    parts.push(section("Rejected lines", "Lines that were no rows, by reason. They are in rejected_rows.", table("Rejected lines",
      [col("Type"), wide("Reason"), num("Lines"), num("Files"), col("Last hour")], n.rejected.map((r) => [r.type, r.reason, number(r.lines), number(r.files), hourText(r.last)]))));
  }
  return parts;
}

function storeParts() {
  const parts = [];
  if (data.headers.length) {
    parts.push(section("Headers without a column", "Their values are kept in _rescued; ingest schema evolve makes columns of them.", table("Headers without a column",
      [col("Type"), wide("Header"), col("Why"), num("Rows"), num("Files"), col("Last hour")],
      data.headers.map((h) => [h.type, h.name, h.column ? "values do not fit its column" : "no column", number(h.rows), number(h.files), hourText(h.last)]))));
  }
  if (data.disk.length) {
    const sum = data.disk.reduce((n, d) => n + d.bytes, 0);
    parts.push(section("Disk", `${size(sum)} in ${data.store}`, diskChart(data.disk), folded("Disk as a table", () => table("Disk by table and month",
      [col("Table"), col("Month"), num("Disk"), num("Rows")], [...data.disk].sort((a, b) => b.month.localeCompare(a.month) || a.table.localeCompare(b.table))
        .map((d) => [d.table, d.month ? `${d.month.slice(0, 4)}-${d.month.slice(4)}` : "–", size(d.bytes), number(d.rows)]), 40))));
  }
  return parts;
}

// calendarTable has the same as the calendar, a year at a time.
function calendarTable(model) {
  const host = el("div"), years = [];
  for (let y = yearOf(model.lastDay); y >= yearOf(model.firstDay); y--) years.push(y);
  const show = (year) => {
    const rows = [];
    for (let day = Math.min(model.lastDay, dayNumber(year, 11, 31)); day >= Math.max(model.firstDay, dayNumber(year, 0, 1)); day--) {
      for (const t of model.types) {
        const a = model.about(t, day);
        if (a.state === ".") continue;
        const open = [...NOT_LOADED, "g", "w"].reduce((n, s) => n + (a.states[s] || 0), 0);
        rows.push([isoDay(day), t.name, el("span", {class: "with"}, glyph(a.state), KIND[a.state].name), t.daily ? "–" : number(open), number(a.files.length), number(a.rows), a.counted ? number(a.stored) : "?",
          a.report ? number(a.report.network) : "–", number(a.rejected), number(a.rescued), t.daily ? `read ${instant(a.read)}` : lateness(a.late)]);
      }
    }
    host.replaceChildren(table(`The days of ${year}`,
      [col("Day"), col("Type"), col("State"), num("Hours not loaded"), num("Files"), num("Ledger"), num("Store"), num("Report"), num("Rejected"), num("Rescued"), col("Latest")], rows, 93));
  };
  show(years[0]);
  if (years.length === 1) return host;
  const pick = el("select", {"aria-label": "Year", onchange: (e) => show(Number(e.currentTarget.value))}, years.map((y) => el("option", {value: y}, String(y))));
  return el("div", {}, el("label", {class: "pick"}, "Year ", pick), host);
}
