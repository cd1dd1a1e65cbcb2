// The model of a network: states by hour, and the files behind them. The states are at
// hand at once. The files of ten years take longer to arrive than the calendar to be
// drawn, so they come behind this script, and are read when somebody looks.
const WORST = "sfmdgwnplxe.";
const RANK = {};
[...WORST].forEach((state, i) => { RANK[state] = i; });
const NOT_LOADED = "sfm";

function unpack(text) { // "l743m3"
  const out = [];
  for (const [, state, count] of text.matchAll(/([a-z.])(\d+)/g)) out.push([state, Number(count)]);
  return out;
}

class LogType {
  constructor(network, at, calendar) {
    this.at = [network.index, at];
    this.name = calendar.type;
    this.daily = Boolean(calendar.daily);
    this.calendar = calendar;
    this.first = calendar.first;
    this.states = "";
    for (const [state, count] of unpack(calendar.states)) this.states += state.repeat(count);
    this.end = this.first + this.states.length;
    this.read = new Map();
    this.report = new Map(calendar.report.map((r) => [r.day, r]));
  }

  // Hours of what is loaded by day are those of its date, whatever the clock.
  hours(clock, day) { return this.daily ? range({first: day, last: day}) : clock.hours(day); }

  day(clock, hour) { return this.daily ? Math.floor(hour / 24) : clock.day(hour); }

  state(hour) { return this.states[hour - this.first] || "."; }

  filesOfUTC(day) {
    const texts = fileTexts();
    if (!texts) return [];
    if (!this.read.has(day)) {
      const text = texts[this.at[0]][this.at[1]][day - this.calendar.day] || "";
      let run = -1;
      this.read.set(day, text === "" ? [] : text.split("\n").map((line) => {
        const file = this.file(line, day, run);
        run = file.run;
        return file;
      }));
    }
    return this.read.get(day);
  }

  file(line, day, run) { // see line in finish.go
    const cells = line.split(",");
    const at = (i, usual) => (cells[i] === "" ? usual : Number(cells[i]));
    const hour = day * 24 + Number(cells[0]);
    const rows = at(2, 0);
    const short = cells.slice(11).join(",");
    return {
      hour, state: cells[1], rows, stored: at(3, rows), rejected: at(4, 0), rescued: at(5, 0), attempts: at(6, 1), run: at(7, run),
      late: at(8, 0), text: at(9, -1), span: at(10, 1),
      name: short.startsWith("/") ? short.slice(1) : `${compactDay(day)}/${this.name}-${hour * 3600}-${short}.zip`,
    };
  }

  // A daily file lies at the first of its hours.
  files(hours) {
    const found = [];
    const first = hours[0], last = hours[hours.length - 1];
    for (let day = Math.floor(first / 24) - 1; day <= Math.floor(last / 24); day++) {
      for (const f of this.filesOfUTC(day)) {
        if (f.hour <= last && f.hour + f.span > first) found.push(f);
      }
    }
    return found;
  }

  cut(day) { return this.calendar.cut > 0 && day < this.calendar.cut; }
}

class Model {
  constructor(network, index) {
    this.network = network;
    this.index = index;
    this.zone = new Clock(network.zone);
    this.types = network.types.map((c, at) => new LogType(this, at, c));
    const known = this.types.filter((t) => t.states.length);
    this.known = known;
    this.hourly = known.filter((t) => !t.daily);
    this.daily = known.filter((t) => t.daily);
    this.empty = known.length === 0;
    this.use(this.zone);
  }

  // use counts days by a clock, and finds the worst state of each day.
  use(clock) {
    this.clock = clock;
    if (this.empty) return;
    this.firstDay = Math.min(...this.known.map((t) => t.day(clock, t.first)));
    this.lastDay = Math.max(...this.known.map((t) => t.day(clock, t.end - 1)));
    for (const t of this.types) {
      t.days = new Uint8Array(this.lastDay - this.firstDay + 1).fill(WORST.length - 1);
      let zone = 0;
      for (let i = 0; i < t.states.length; i++) {
        const hour = t.first + i;
        while (zone + 1 < clock.from.length && clock.from[zone + 1][0] <= hour) zone++;
        const rank = RANK[t.states[i]], day = (t.daily ? Math.floor(hour / 24) : Math.floor((hour * 60 + clock.from[zone][1]) / 1440)) - this.firstDay;
        if (rank < t.days[day]) t.days[day] = rank;
      }
      if (clock !== this.zone) continue;
      for (const r of t.report.values()) { // its days are the zone's
        const day = Date.parse(r.day) / 86400000 - this.firstDay;
        if (r.differs && t.days[day] > RANK.d) t.days[day] = RANK.d;
      }
    }
  }

  day(type, day) { return WORST[type.days[day - this.firstDay]] || "."; }

  report(type, day) { return this.clock === this.zone ? type.report.get(isoDay(day)) : undefined; }

  // about sums up a day of a type.
  about(type, day) {
    const hours = type.hours(this.clock, day);
    const files = type.files(hours);
    const sum = (key) => files.reduce((n, f) => n + f[key], 0);
    const states = {};
    for (const hour of type.daily ? hours.slice(0, 1) : hours) states[type.state(hour)] = (states[type.state(hour)] || 0) + 1;
    const runs = [...new Set(files.map((f) => f.run))].filter((r) => r >= 0).map((r) => this.network.run_ids[r]);
    return {
      hours, files, states, runs, state: this.day(type, day), rows: sum("rows"), stored: sum("stored"), rejected: sum("rejected"), rescued: sum("rescued"),
      attempts: Math.max(0, ...files.map((f) => f.attempts)), late: Math.max(0, ...files.map((f) => f.late)),
      read: type.daily && files.length ? Math.max(...files.map(written)) : 0, daily: type.daily,
      reading: !fileTexts(), counted: type.calendar.counted, report: this.report(type, day), cut: type.cut(day),
    };
  }
}

// written is when the ledger last took a file down.
const written = (f) => (f.hour + f.span) * 3600 + f.late * 60;

let texts = null;

// fileTexts are the texts of all files; null while the document is still arriving.
function fileTexts() {
  if (!texts && document.readyState !== "loading") texts = JSON.parse(document.getElementById("files").textContent);
  return texts;
}

const data = JSON.parse(document.getElementById("data").textContent);
const KIND = {".": {name: "Nothing known", means: "before the first file, or after the last"}};
for (const kind of data.kinds) KIND[kind.state] = kind;
const models = data.networks.map((n, i) => new Model(n, i));
