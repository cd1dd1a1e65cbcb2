// Two drawings: runs by time and duration, and the disk by month.
const niceSteps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 604800];

function runChart(runs) {
  const width = 760, height = 190, left = 56, bottom = 24, top = 10;
  const done = runs.filter((r) => r.seconds > 0);
  const begin = Math.min(...runs.map((r) => r.begun)), end = Math.max(...runs.map((r) => r.begun), begin + 3600);
  const low = Math.log(Math.max(0.5, Math.min(...done.map((r) => r.seconds), 10) / 1.5)), high = Math.log(Math.max(...done.map((r) => r.seconds), 60) * 1.5);
  const x = (t) => left + (width - left - 12) * (t - begin) / (end - begin);
  const y = (s) => top + (height - top - bottom) * (1 - (Math.log(Math.max(s, Math.exp(low))) - low) / (high - low));
  const image = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `Duration of ${plural(runs.length, "run")}; the table below has the same`});
  const steps = niceSteps.filter((s) => Math.log(s) >= low && Math.log(s) <= high);
  const every = Math.ceil(steps.length / 5);
  steps.filter((_, i) => i % every === 0).forEach((s) => image.append(
    svg("line", {x1: left, x2: width - 12, y1: y(s), y2: y(s), class: "rule"}), svg("text", {x: left - 8, y: y(s) + 4, class: "axis end"}, duration(s))));
  for (let i = 0; i <= 4; i++) {
    const t = begin + (end - begin) * i / 4;
    image.append(svg("text", {x: x(t), y: height - 6, class: `axis ${["start", "middle", "middle", "middle", "end"][i]}`}, instant(t).slice(end - begin > 172800 ? 0 : 5, end - begin > 172800 ? 10 : 16)));
  }
  for (const r of runs) {
    const state = runState(r), mark = svg("path", {class: `state-${state} run`, d: glyphs[state](x(r.begun) - 4, y(r.seconds) - 4, 8)});
    mark.addEventListener("pointerenter", (e) => showTip([
      el("p", {class: "when"}, `ingest ${r.command}`), el("p", {class: "what"}, instant(r.begun)), el("p", {class: "state"}, glyph(state), r.status),
      el("dl", {class: "facts"}, line("Took", duration(r.seconds)), line("Files", number(r.files)), line("Rows", number(r.rows)), line("Speed", speed(r)), line("Run", r.id, "run")),
      r.error ? el("p", {class: "rest"}, r.error) : null], e.clientX, e.clientY));
    mark.addEventListener("pointerleave", hideTip);
    image.append(mark);
  }
  return el("div", {class: "scroll"}, image);
}

const runState = (r) => ({done: "l", incomplete: "n", differs: "d", running: "p", held: "g", interrupted: "g"})[r.status] || "f";
const speed = (r) => (r.rows && r.seconds ? `${number(Math.round(r.rows / r.seconds))} rows/s` : "–");

const LAYERS = ["clicks", "conversions", "impressions", "other"];

function diskChart(disk) {
  const months = new Map();
  for (const d of disk) {
    if (!d.month) continue;
    const layer = LAYERS.includes(d.table) ? d.table : "other";
    const month = months.get(d.month) || {clicks: 0, conversions: 0, impressions: 0, other: 0};
    month[layer] += d.bytes;
    months.set(d.month, month);
  }
  const keys = [...months.keys()].sort();
  if (!keys.length) return null;
  const width = 760, height = 170, left = 56, bottom = 24, top = 10;
  const total = (m) => LAYERS.reduce((n, l) => n + m[l], 0), most = Math.max(...[...months.values()].map(total), 1);
  const step = (width - left - 12) / keys.length, bar = Math.max(1, Math.min(28, step * 0.8)), scale = (height - top - bottom) / most;
  const image = svg("svg", {viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `Disk by month, ${plural(keys.length, "month")}; the table below has the same`});
  [0, 0.5, 1].forEach((share) => {
    const y = height - bottom - share * most * scale;
    image.append(svg("line", {x1: left, x2: width - 12, y1: y, y2: y, class: "rule"}), svg("text", {x: left - 8, y: y + 4, class: "axis end"}, size(share * most)));
  });
  keys.forEach((key, i) => {
    let y = height - bottom;
    const x = left + i * step + (step - bar) / 2;
    for (const layer of LAYERS) {
      const h = months.get(key)[layer] * scale;
      if (!h) continue;
      y -= h;
      image.append(svg("rect", {x, y, width: bar, height: Math.max(h, 0.5), class: `layer-${layer}`}));
    }
    if (i % Math.ceil(keys.length / 10) === 0) image.append(svg("text", {x: x + bar / 2, y: height - 6, class: "axis middle"}, `${key.slice(0, 4)}-${key.slice(4)}`));
  });
  const legend = el("ul", {class: "layers"}, LAYERS.map((l) => el("li", {}, svg("svg", {viewBox: "0 0 10 10", class: "glyph", "aria-hidden": "true"}, svg("rect", {width: 10, height: 10, class: `layer-${l}`})), l)));
  return el("div", {}, el("div", {class: "scroll"}, image), legend);
}
