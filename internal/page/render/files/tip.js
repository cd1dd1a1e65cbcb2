// The tooltip follows the pointer and the focus.
const tip = document.getElementById("tip");

function line(label, value, extra) {
  return el("div", {class: extra}, el("dt", {}, label), el("dd", {}, value));
}

function stateLine(state) {
  return el("p", {class: "state"}, glyph(state), KIND[state].name);
}

// sides are the three counts side by side.
function sides(about) {
  const report = about.report;
  const cell = (label, value, unlike) => el("div", {class: unlike ? "unlike" : ""}, el("dt", {}, label), el("dd", {}, value));
  return el("dl", {class: "sides"},
    cell("Ledger", number(about.rows)),
    cell("Store", about.counted ? number(about.stored) : "not counted", about.counted && about.stored !== about.rows),
    about.daily ? null : cell("Network’s report", report ? number(report.network) : "none kept", report && report.differs));
}

function facts(about, network) {
  const list = el("dl", {class: "facts"});
  if (about.cut || about.reading) {
    list.append(line("Files", about.cut ? "left out of the page" : "the page is still loading"));
    return list;
  }
  list.append(line("Files", number(about.files.length)));
  if (!about.files.length) return list;
  list.append(line("Rows", number(about.rows)), line("Rejected", number(about.rejected)), line("Rescued", number(about.rescued)),
    line("Attempts", number(about.attempts)), about.daily ? line("Last read", instant(about.read)) : line("Lateness", lateness(about.late)));
  if (about.runs.length) list.append(line(about.runs.length === 1 ? "Run" : `Last of ${about.runs.length} runs`, about.runs[about.runs.length - 1], "run"));
  return list;
}

const lateness = (minutes) => (minutes <= 0 ? "none" : `${duration(minutes * 60)} after its hour`);

function dayTip(model, type, day) {
  const about = model.about(type, day);
  const others = [...WORST].filter((s) => s !== about.state && s !== "." && about.states[s]);
  return [
    el("p", {class: "when"}, `${longDay(day)}`), el("p", {class: "what"}, type.name), stateLine(about.state),
    others.length ? el("p", {class: "rest"}, [about.state, ...others].filter((s) => about.states[s]).map((s) => `${about.states[s]} ${KIND[s].name.toLowerCase()}`).join(" · ")) : null,
    facts(about), about.state === "." ? null : sides(about),
  ];
}

// sentence says the same as the tooltip, to be read out.
function sentence(model, type, day) {
  const about = model.about(type, day);
  let text = `${longDay(day)}, ${type.name}: ${KIND[about.state].name}`;
  if (about.files.length) {
    text += `, ${plural(about.files.length, "file")}, ${plural(about.rows, "row")}`;
    if (about.rejected) text += `, ${number(about.rejected)} rejected`;
    if (about.counted && about.stored !== about.rows) text += `, ${number(about.stored)} in the store`;
    if (about.report) text += `, ${number(about.report.network)} in the network's report`;
  }
  return text;
}

function showTip(children, x, y) {
  tip.replaceChildren(...children.filter(Boolean));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > innerWidth ? Math.max(8, x - box.width - 16) : x + 16;
  const top = Math.min(Math.max(8, y + 16), Math.max(8, innerHeight - box.height - 8));
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function hideTip() { tip.hidden = true; }
