// Each state has a shape of its own beside its colour.
const glyphs = {
  l: (x, y, s) => square(x, y, s, 0),
  n: (x, y, s) => square(x, y, s, 0) + hole(x, y, s),
  m: (x, y, s) => square(x, y, s, 0) + inner(x, y, s, 0.2),
  f: (x, y, s) => {
    const a = s * 0.26; // two bars that cross
    return `M${x} ${y + a}l${a} ${-a}l${s / 2 - a} ${s / 2 - a}l${s / 2 - a} ${a - s / 2}l${a} ${a}l${a - s / 2} ${s / 2 - a}l${s / 2 - a} ${s / 2 - a}l${-a} ${a}l${a - s / 2} ${a - s / 2}l${a - s / 2} ${s / 2 - a}l${-a} ${-a}l${s / 2 - a} ${a - s / 2}z`;
  },
  s: (x, y, s) => `M${x + s / 2} ${y}L${x + s} ${y + s}L${x} ${y + s}z`,
  g: (x, y, s) => `M${x} ${y + s * 0.36}h${s}v${s * 0.28}h${-s}z`,
  p: (x, y, s) => `M${x + s * 0.34} ${y + s * 0.34}h${s * 0.32}v${s * 0.32}h${-s * 0.32}z`,
  w: (x, y, s) => `M${x} ${y}v${s}h${s}z`,
  e: (x, y, s) => square(x, y, s, s * 0.18) + inner(x, y, s, 0.32),
  x: (x, y, s) => `M${x + s * 0.18} ${y + s * 0.18}h${s * 0.64}l${-s * 0.64} ${s * 0.64}z`,
  d: (x, y, s) => `M${x} ${y + s * 0.1}h${s}v${s * 0.28}h${-s}zM${x} ${y + s * 0.62}h${s}v${s * 0.28}h${-s}z`,
  ".": (x, y, s) => `M${x + s * 0.44} ${y + s * 0.44}h${s * 0.12}v${s * 0.12}h${-s * 0.12}z`,
};

function square(x, y, s, inset) {
  return `M${x + inset} ${y + inset}h${s - 2 * inset}v${s - 2 * inset}h${2 * inset - s}z`;
}

// Holes run the other way round, so that they stay empty.
const inner = (x, y, s, share) => {
  const i = s * share;
  return `M${x + i} ${y + i}v${s - 2 * i}h${s - 2 * i}v${2 * i - s}z`;
};
const hole = (x, y, s) => inner(x, y, s, 0.34);

function glyph(state, extra) {
  return svg("svg", {viewBox: "0 0 10 10", class: `glyph state-${state === "." ? "none" : state}`, "aria-hidden": "true", ...extra},
    svg("path", {d: glyphs[state](0, 0, 10)}));
}
