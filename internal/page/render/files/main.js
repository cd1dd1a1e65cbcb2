// Puts the page together.
function legend(model, calendar) {
  const list = el("ul", {class: "legend", "aria-label": "Legend"}, data.kinds.map((k) => el("li", {title: k.means}, glyph(k.state), k.name)));
  const local = model.zone.from.some(([, minutes]) => minutes !== 0);
  if (!local || !model.hourly.length) return el("div", {class: "key"}, list, el("p", {class: "zone"}, `Days of ${local ? model.zone.name : "UTC"}`));
  const button = (clock, text) => el("button", {type: "button", class: "switch", "aria-pressed": String(model.clock === clock), onclick: (e) => {
    dayPanel.close();
    model.use(clock);
    calendar.draw();
    for (const b of e.currentTarget.parentElement.querySelectorAll("button")) b.setAttribute("aria-pressed", String(b === e.currentTarget));
  }}, text);
  return el("div", {class: "key"}, list, el("div", {class: "zones", role: "group", "aria-label": "Days of which zone"}, "Days of ", button(model.zone, model.zone.name), button(utcClock, "UTC")));
}

// todo lists the latest days that need somebody. Beside the calendar there is room for
// it on a wide screen, below the headline on a narrow one.
function todo(model, calendar, host) {
  const days = [], types = model.types.filter((t) => t.states.length);
  for (let day = model.lastDay; day >= model.firstDay && days.length < 200; day--) {
    types.forEach((type, row) => {
      const state = model.day(type, day);
      if ("sfmd".includes(state)) days.push({day, type, row, state});
    });
  }
  if (!days.length) return;
  days.sort((a, b) => RANK[a.state] - RANK[b.state] || b.day - a.day || a.row - b.row); // what is lost soon comes first
  const year = yearOf(model.lastDay), name = (day) => `${dateOf(day).getUTCDate()} ${MONTHS[dateOf(day).getUTCMonth()]}${yearOf(day) === year ? "" : ` ${yearOf(day)}`}`;
  const list = el("nav", {class: "todo", "aria-label": `Days that need attention, ${model.network.id}`},
    el("h2", {}, models.length > 1 ? `Days that need attention · ${model.network.id}` : "Days that need attention"),
    el("ul", {}, days.slice(0, 8).map(({day, type, row, state}) => el("li", {}, el("button", {type: "button", onclick: () => {
      calendar.move(day, row);
      calendar.open();
    }}, glyph(state), `${name(day)}, ${type.name}`, el("span", {class: "dim"}, KIND[state].name.toLowerCase()))))));
  const broad = matchMedia("(min-width: 1240px)");
  const put = () => (broad.matches ? document.getElementById("side").append(list) : host.querySelector(".calendar").before(list));
  broad.addEventListener("change", put);
  put();
}

const calendars = [];
for (const model of models) {
  const host = document.querySelector(`[data-network="${model.index}"]`), years = el("div", {class: "years"});
  const calendar = new Calendar(model, years);
  calendars.push(calendar);
  if (!model.empty) {
    host.querySelector(".calendar").append(legend(model, calendar), years);
    todo(model, calendar, host);
  }
  host.querySelector(".below").append(...networkParts(model));
  for (const drawn of calendar.years.values()) { // on a narrow screen, begin where the news is
    const last = Math.min(model.lastDay, dayNumber(yearOf(drawn.first + 10), 11, 31)) - drawn.first;
    drawn.scroll.scrollLeft = (LEFT + last / 7 * CELL) * drawn.image.getBoundingClientRect().width / drawn.width - drawn.scroll.clientWidth + 40;
  }
}
document.getElementById("store").append(...storeParts());
document.addEventListener("DOMContentLoaded", () => {
  for (const calendar of calendars) if (!calendar.model.empty) calendar.name(); // its files have come
  document.documentElement.dataset.ready = "";
});
addEventListener("scroll", hideTip, {passive: true});
document.documentElement.dataset.drawn = String(Math.round(performance.now())); // milliseconds since the page was asked for
