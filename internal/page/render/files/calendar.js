// A year is one drawing: for each log type a band of weeks, a path for each state. The
// one thing in it that has the focus is a button that moves from day to day.
const CELL = 13, SIDE = 10, LEFT = 106, TOP = 18, BAND = 7 * CELL + 14;
const live = document.getElementById("live");

class Calendar {
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.years = new Map();
    this.at = {day: model.empty ? 0 : Math.min(model.lastDay, model.clock.day(Math.floor(data.made / 3600))), type: 0};
    this.cursor = el("button", {type: "button", class: "cursor", role: "gridcell", onclick: () => this.open()});
    this.cursor.addEventListener("keydown", (e) => this.key(e));
    this.cursor.addEventListener("focus", () => this.tell());
    this.cursor.addEventListener("blur", hideTip);
    this.draw();
  }

  draw() {
    this.years.clear();
    this.host.replaceChildren();
    if (this.model.empty) return;
    for (let year = yearOf(this.model.lastDay); year >= yearOf(this.model.firstDay); year--) {
      const drawn = this.year(year);
      this.years.set(year, drawn);
      this.host.append(drawn.figure);
    }
    this.place();
  }

  year(year) {
    const types = this.model.types.filter((t) => t.states.length), first = dayNumber(year, 0, 1), lead = weekday(first);
    const height = TOP + types.length * BAND, width = LEFT + 54 * CELL;
    const image = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "year", role: "img", "aria-label": this.label(year, types, first)});
    for (let month = 0; month < 12; month++) {
      const week = Math.floor((dayNumber(year, month, 1) - first + lead + 6) / 7);
      image.append(svg("text", {x: LEFT + week * CELL, y: 10, class: "month"}, MONTHS[month].slice(0, 3)));
    }
    types.forEach((type, row) => {
      const y = TOP + row * BAND;
      // A long name would be under the days of the week.
      type.name.split(/(?<=_)/).forEach((part, line) => image.append(svg("text", {x: 0, y: y + 10 + 13 * line, class: "type"}, part)));
      [0, 2, 4].forEach((d) => image.append(svg("text", {x: LEFT - 8, y: y + d * CELL + 9, class: "weekday"}, WEEKDAYS[d].slice(0, 3))));
      const paths = {};
      for (let day = first; yearOf(day) === year; day++) {
        const state = day < this.model.firstDay || day > this.model.lastDay ? "." : this.model.day(type, day);
        const slot = day - first + lead;
        (paths[state] ||= []).push(glyphs[state](LEFT + Math.floor(slot / 7) * CELL, y + (slot % 7) * CELL, SIDE));
      }
      for (const [state, d] of Object.entries(paths)) image.append(svg("path", {class: `state-${state === "." ? "none" : state}`, d: d.join("")}));
    });
    const sheet = el("div", {class: "sheet", role: "grid", "aria-label": `Days of ${year}; arrow keys move, Enter opens a day`}, image, el("div", {role: "row"}));
    const scroll = el("div", {class: "scroll"}, sheet);
    const figure = el("figure", {}, el("figcaption", {}, String(year)), scroll);
    const drawn = {figure, image, sheet, scroll, types, first, lead, width, height};
    image.addEventListener("pointermove", (e) => this.hover(drawn, e));
    image.addEventListener("pointerleave", hideTip);
    image.addEventListener("click", (e) => {
      const hit = this.hit(drawn, e);
      if (hit) {
        this.move(hit.day, hit.type);
        this.open();
      }
    });
    return drawn;
  }

  label(year, types, first) {
    return types.map((t) => {
      const sums = {};
      for (let day = Math.max(first, this.model.firstDay); yearOf(day) === year && day <= this.model.lastDay; day++) {
        const s = this.model.day(t, day);
        sums[s] = (sums[s] || 0) + 1;
      }
      return `${t.name} ${year}: ${[...WORST].filter((s) => sums[s]).map((s) => `${plural(sums[s], "day")} ${KIND[s].name.toLowerCase()}`).join(", ")}`;
    }).join("; ");
  }

  // hit is the day and type at a point.
  hit(drawn, event) {
    const box = drawn.image.getBoundingClientRect(), scale = drawn.width / box.width;
    const x = (event.clientX - box.left) * scale - LEFT, y = (event.clientY - box.top) * scale - TOP;
    const row = Math.floor(y / BAND), line = Math.floor((y - row * BAND) / CELL);
    const day = drawn.first - drawn.lead + Math.floor(x / CELL) * 7 + line;
    if (x < 0 || y < 0 || line > 6 || row >= drawn.types.length || this.years.get(yearOf(day)) !== drawn || day < this.model.firstDay || day > this.model.lastDay) return null;
    return {day, type: row};
  }

  hover(drawn, event) {
    const hit = this.hit(drawn, event);
    if (hit) showTip(dayTip(this.model, drawn.types[hit.type], hit.day), event.clientX, event.clientY);
    else hideTip();
  }

  type() { return this.years.values().next().value.types[this.at.type]; }

  move(day, type) {
    this.at = {day: Math.min(Math.max(day, this.model.firstDay), this.model.lastDay), type};
    const focused = document.activeElement === this.cursor;
    this.place();
    if (focused) {
      this.cursor.focus();
      this.tell();
    }
  }

  place() {
    const drawn = this.years.get(yearOf(this.at.day)), slot = this.at.day - drawn.first + drawn.lead;
    const row = drawn.sheet.lastElementChild;
    if (this.cursor.parentElement !== row) row.append(this.cursor);
    const x = LEFT + Math.floor(slot / 7) * CELL - 2.5, y = TOP + this.at.type * BAND + (slot % 7) * CELL - 2.5;
    this.cursor.style.left = `${100 * x / drawn.width}%`;
    this.cursor.style.top = `${100 * y / drawn.height}%`;
    this.cursor.style.width = `${100 * (SIDE + 5) / drawn.width}%`;
    this.cursor.style.height = `${100 * (SIDE + 5) / drawn.height}%`;
    this.name();
  }

  name() { this.cursor.setAttribute("aria-label", sentence(this.model, this.type(), this.at.day)); }

  tell() {
    const box = this.cursor.getBoundingClientRect();
    showTip(dayTip(this.model, this.type(), this.at.day), box.right - 8, box.bottom - 8);
    live.textContent = this.cursor.getAttribute("aria-label");
  }

  key(event) {
    const {day, type} = this.at, last = this.years.values().next().value.types.length - 1, row = weekday(day);
    const go = {
      ArrowLeft: () => this.move(day - 7, type),
      ArrowRight: () => this.move(day + 7, type),
      // Above Monday is the log type before, below Sunday the one after.
      ArrowUp: () => (row > 0 && day > this.model.firstDay ? this.move(day - 1, type) : type > 0 ? this.move(day - row + 6, type - 1) : null),
      ArrowDown: () => (row < 6 && day < this.model.lastDay ? this.move(day + 1, type) : type < last ? this.move(day - row, type + 1) : null),
      Home: () => this.move(dayNumber(yearOf(day), 0, 1), type),
      End: () => this.move(dayNumber(yearOf(day), 11, 31), type),
      PageUp: () => this.move(day - 364, type),
      PageDown: () => this.move(day + 364, type),
    }[event.key];
    if (event.key === "Escape") {
      hideTip();
      dayPanel.close();
    }
    if (!go || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go();
  }

  open() {
    hideTip();
    dayPanel.open(this, this.at.day);
  }
}
