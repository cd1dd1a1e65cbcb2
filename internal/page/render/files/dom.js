// Elements are made by name, attributes and children; a child that is a text becomes a
// text node. Nothing in this page makes an element of a text.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

const grouped = new Intl.NumberFormat("en");
const number = (n) => grouped.format(n);
const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;

function size(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < 4) {
    bytes /= 1000;
    unit++;
  }
  return `${bytes < 10 && unit ? bytes.toFixed(1) : Math.round(bytes)} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

function duration(seconds) {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  if (seconds < 63072000) return `${Math.round(seconds / 86400)} days`;
  return `${(seconds / 31557600).toFixed(1)} years`;
}
