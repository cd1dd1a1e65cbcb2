// The panel of a day: how it stands, the command that mends it, its hours, their files.
class DayPanel {
  constructor(host) {
    this.host = host;
    host.addEventListener("keydown", (e) => {
      if (e.key === "Escape") {
        e.preventDefault();
        this.close();
      }
    });
  }

  open(calendar, day) {
    this.calendar = calendar;
    this.model = calendar.model;
    this.day = day;
    this.host.replaceChildren(...[...this.head(), this.summary(), ...this.commands(), ...this.whole(), this.hours(), el("div", {class: "files"})].filter(Boolean));
    this.host.hidden = false;
    document.body.classList.add("open");
    this.host.scrollTop = 0;
    this.host.focus({preventScroll: true});
  }

  close() {
    if (this.host.hidden) return;
    this.host.hidden = true;
    document.body.classList.remove("open");
    this.calendar.cursor.focus({preventScroll: true});
  }

  turn(by) {
    this.calendar.move(this.day + by, this.calendar.at.type);
    this.open(this.calendar, this.calendar.at.day);
  }

  head() {
    const hours = this.model.clock.hours(this.day), clock = this.model.clock;
    const odd = hours.length === 24 || !this.model.hourly.length ? "" : ` · ${hours.length} hours, as clocks change`;
    return [el("div", {class: "bar"},
      el("button", {type: "button", class: "quiet", "aria-label": "Day before", onclick: () => this.turn(-1)}, "‹"),
      el("button", {type: "button", class: "quiet", "aria-label": "Day after", onclick: () => this.turn(1)}, "›"),
      el("button", {type: "button", class: "quiet close", "aria-label": "Close", onclick: () => this.close()}, "×")),
    el("h2", {id: "day-title"}, longDay(this.day)),
    el("p", {class: "zone"}, `${this.model.network.id} · day of ${clock.name}${odd}`)];
  }

  summary() {
    const rows = this.model.known.map((t) => {
      const a = this.model.about(t, this.day), stored = a.counted ? number(a.stored) : "?";
      return el("tr", {}, el("th", {scope: "row"}, t.name), el("td", {}, el("span", {class: "with"}, glyph(a.state), KIND[a.state].name)),
        el("td", {class: "n"}, number(a.rows)), el("td", {class: a.counted && a.stored !== a.rows ? "n unlike" : "n"}, stored),
        el("td", {class: a.report && a.report.differs ? "n unlike" : "n"}, a.report ? number(a.report.network) : t.daily ? "" : "–"));
    });
    return el("table", {class: "data"}, el("caption", {class: "unseen"}, "The day by log type"),
      el("thead", {}, el("tr", {}, ...["Type", "State"].map((h) => el("th", {scope: "col"}, h)), ...["Ledger", "Store", "Report"].map((h) => el("th", {scope: "col", class: "n"}, h)))),
      el("tbody", {}, rows));
  }

  commands() {
    return repairs(this.model, this.day).map((r) => el("div", {class: r.quiet ? "repair calm" : "repair"},
      el("h3", {}, r.title),
      el("div", {class: "command"}, el("code", {}, r.command), el("button", {type: "button", class: "copy", onclick: (e) => copy(r.command, e.currentTarget)}, "Copy")),
      el("p", {class: "would"}, el("strong", {}, "Would load "), r.would.length === 1 ? r.would[0] : null),
      r.would.length > 1 ? el("ul", {}, r.would.map((w) => el("li", {}, w))) : null,
      r.note ? el("p", {class: "would"}, r.note) : null));
  }

  // whole are the files that hold the day.
  whole() {
    return this.model.daily.map((t) => {
      const files = t.files(t.hours(this.model.clock, this.day));
      const none = t.cut(this.day) ? "Its files are left out of this page to keep it small." : "No file: nobody has loaded this day.";
      return el("section", {class: "whole", "aria-label": `${t.name} of the day`}, el("h3", {}, `${t.name} · the whole day`),
        ...(files.length ? files.map((f) => this.card(t, f, {daily: true, read: written(f)})) : [el("p", {class: "none"}, none)]));
    });
  }

  hours() {
    if (!this.model.hourly.length) return null;
    const {clock, hourly: types} = this.model, all = clock.hours(this.day);
    const change = clock.offset(all[0]) !== clock.offset(all[all.length - 1]); // two hours may have one name
    const body = all.map((hour) => el("tr", {},
      el("th", {scope: "row"}, clock.time(hour), change ? el("span", {class: "dim"}, ` ${clock.offset(hour)}`) : null),
      types.map((t) => el("td", {}, this.hour(t, hour)))));
    return el("table", {class: "hours"}, el("caption", {}, `${body.length} hours; open one for its files`),
      el("thead", {}, el("tr", {}, el("th", {scope: "col"}, clock.name === "UTC" ? "UTC" : "Hour"), types.map((t) => el("th", {scope: "col"}, t.name)))), el("tbody", {}, body));
  }

  hour(type, hour) {
    const state = type.state(hour), files = type.files([hour]);
    const rows = files.reduce((n, f) => n + f.rows, 0);
    const text = files.length ? number(rows) : ".pe".includes(state) ? "" : "–";
    return el("button", {
      type: "button", class: "hour", "data-hour": hour, "data-type": type.name, "aria-expanded": "false",
      "aria-label": `${type.name} ${this.model.clock.time(hour)}: ${KIND[state].name}, ${plural(files.length, "file")}, ${plural(rows, "row")}`,
      onclick: (e) => this.files(type, hour, e.currentTarget), onkeydown: (e) => this.arrows(e),
    }, glyph(state), el("span", {}, text));
  }

  arrows(event) {
    const cell = event.currentTarget.parentElement, row = cell.parentElement, at = [...row.children].indexOf(cell);
    const to = {ArrowLeft: cell.previousElementSibling, ArrowRight: cell.nextElementSibling, ArrowUp: row.previousElementSibling?.children[at], ArrowDown: row.nextElementSibling?.children[at]}[event.key];
    const button = to?.querySelector("button");
    if (!button) return;
    event.preventDefault();
    button.focus();
  }

  // card tells about a file.
  card(type, f, more) {
    const {network} = this.model;
    const about = {files: [f], rows: f.rows, stored: f.stored, rejected: f.rejected, rescued: f.rescued, attempts: f.attempts, late: f.late, counted: type.calendar.counted,
      runs: f.run >= 0 ? [network.run_ids[f.run]] : [], ...more};
    return el("article", {class: "file"}, el("h4", {}, f.name), stateLine(f.state),
      f.text >= 0 ? el("p", {class: "said"}, network.texts[f.text]) : null,
      facts(about), sides(about),
      about.daily ? null : el("p", {class: "dim"}, `Ledger written ${instant(written(f))}`));
  }

  files(type, hour, button) {
    for (const b of this.host.querySelectorAll(".hour[aria-expanded=true]")) b.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-expanded", "true");
    const files = type.files([hour]), state = type.state(hour);
    const cards = files.map((f) => this.card(type, f, {report: hourReport(this.model, type, this.day, hour)}));
    if (!cards.length) cards.push(el("p", {class: "none"}, type.cut(Math.floor(hour / 24)) ? "Its files are left out of this page to keep it small." : `No file: ${state === "e" ? "" : `${KIND[state].name.toLowerCase()}, `}${KIND[state].means}.`));
    this.host.querySelector(".files").replaceChildren(el("h3", {}, `${type.name} ${this.model.clock.time(hour)} · ${instant(hour * 3600)}`), ...cards);
    this.host.querySelector(".files").scrollIntoView({block: "nearest"});
  }
}

function hourReport(model, type, day, hour) {
  const r = type.report.get(isoDay(model.zone.day(hour)));
  const own = r?.hours?.find(([h]) => h === hour);
  return own ? {network: own[2], differs: true} : undefined;
}

// Pages from a disk may have no clipboard; then the text is selected and copied.
async function copy(text, button) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = el("textarea", {class: "unseen", readonly: true});
    area.value = text;
    button.after(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Select it";
  live.textContent = done ? "Copied" : "Could not copy";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

const dayPanel = new DayPanel(document.getElementById("day"));
