// The command that mends a day, and what it would do.
const plainWord = /^[A-Za-z0-9_@%+=:,.\/-]+$/;
const quote = (word) => (plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const command = (...words) => ["ingest", ...words.map(quote)].join(" ");

// period names the UTC days that hold hours: what the commands count by.
function period(hours) {
  const first = Math.floor(Math.min(...hours) / 24), last = Math.floor(Math.max(...hours) / 24);
  return {first, last, text: first === last ? compactDay(first) : `${compactDay(first)}..${compactDay(last)}`};
}

// ranges joins hours that follow each other: 05:00–07:00, 12:00.
function ranges(clock, hours) {
  const out = [];
  for (let i = 0; i < hours.length;) {
    let end = i;
    while (end + 1 < hours.length && hours[end + 1] === hours[end] + 1) end++;
    out.push(clock.time(hours[i]) + (end > i ? `–${clock.time(hours[end])}` : ""));
    i = end + 1;
  }
  return out.length > 6 ? `${out.slice(0, 6).join(", ")} and ${out.length - 6} more` : out.join(", ");
}

const hoursIn = (type, hours, states) => hours.filter((h) => states.includes(type.state(h)));

// inPeriod lists hours of whole UTC days, which a command works on.
function inPeriod(type, p, states) {
  const hours = [];
  for (let h = p.first * 24; h < p.last * 24 + 24; h++) {
    if (states.includes(type.state(h))) hours.push(h);
  }
  return hours;
}

const repairs = (model, day) => [...hourly(model, day), ...model.daily.map((t) => daily(model, t, day))];

// daily is the command about a day that is loaded whole.
function daily(model, type, day) {
  const state = type.state(day * 24), network = ["--network", model.network.id], date = compactDay(day), {loader} = type.calendar;
  const load = (title, more) => ({title, command: command(loader, date, ...network), would: ["the day as the network’s report shows it now"], ...more});
  switch (state) {
    case "d":
      return {
        title: "Reload what the store has lost", command: command(loader, "--reload", date, ...network),
        would: ["the day as the network’s report shows it now"], note: "The rows of the day are replaced.",
      };
    case "n":
      return {
        title: "See what is not as it should be", command: command("issues", date, "--type", type.name, ...network, "--all"),
        would: ["nothing: it lists the issues; rejected lines are in rejected_rows, values that did not fit in _rescued"],
      };
    case "w":
      return {title: "A run is loading the day, or died", command: command("runs", ...network), would: ["nothing: it shows which run is at work and which died; the next run continues with its files"]};
    case "x":
      return expired([type], network);
    case "l":
      return load("Read the report of the day again", {quiet: true, note: "Where nothing has changed, nothing is written."});
    case ".":
      return load("Nobody has loaded the report of the day", {quiet: true});
    default:
      return load("Load the report of the day");
  }
}

// expired says that there is nothing to load, for as long as files are kept no longer.
const expired = (types, network) => ({
  title: "The month is over", quiet: true, command: command("schema", "ttl", types.map((t) => t.name).join(","), ...network),
  would: ["nothing: it shows for how long files are kept; those of months that are over are not loaded"],
});

function hourly(model, day) {
  const hours = model.clock.hours(day), network = ["--network", model.network.id], out = [];
  const raw = model.types.filter((t) => !t.daily);
  const withState = (states) => raw.filter((t) => hoursIn(t, hours, states).length);
  const all = (types, states) => types.flatMap((t) => hoursIn(t, hours, states));
  const names = (types) => types.map((t) => t.name).join(",");

  const absent = withState(NOT_LOADED);
  if (absent.length) {
    const p = period(all(absent, NOT_LOADED));
    out.push({
      title: "Load what is missing",
      command: command("backfill", p.text, "--type", names(absent), ...network),
      would: absent.map((t) => {
        const they = inPeriod(t, p, NOT_LOADED);
        return `${plural(they.length, "hour")} of ${t.name}: ${ranges(model.clock, they)}`;
      }),
      note: "Files that are loaded stay as they are.",
    });
  }
  const unlike = withState("d").map((t) => [t, t.files(hours).filter((f) => f.stored !== f.rows || f.state === "d")]).filter(([, files]) => files.length);
  for (const [t, files] of unlike) {
    const few = files.length <= 4 && files.every((f) => plainWord.test(f.name));
    const p = period(files.map((f) => f.hour));
    const loaded = few ? files : t.files(range(p)).filter((f) => "lnd".includes(f.state));
    out.push({
      title: "Reload what the store has lost",
      command: few ? command("reload", ...files.map((f) => f.name), "--type", t.name, ...network) : command("reload", p.text, "--type", t.name, ...network),
      would: [`${plural(loaded.length, "file")} of ${t.name}, ${plural(loaded.reduce((n, f) => n + f.rows, 0), "row")}`],
      note: "The rows of these files are replaced.",
    });
  }
  const reported = raw.filter((t) => {
    const r = model.report(t, day);
    return (r && r.differs) || (hoursIn(t, hours, "d").length && !unlike.some(([u]) => u === t));
  });
  if (reported.length) {
    out.push({
      title: "See what the network's report counts otherwise",
      command: command("reconcile", compactDay(day), "--by", "hour", "--type", names(reported), ...network),
      would: ["nothing: it compares hour by hour, and says what most likely made each difference"],
    });
  }
  const noted = withState("n");
  if (noted.length) {
    const p = period(all(noted, "n"));
    out.push({
      title: "See what was rejected or rescued",
      command: command("issues", p.text, "--type", names(noted), ...network, "--all"),
      would: ["nothing: it lists the issues; rejected lines are in rejected_rows, values that did not fit in _rescued"],
    });
  }
  const gone = withState("g");
  if (gone.length) {
    const p = period(all(gone, "g"));
    out.push({
      title: "The source no longer has them",
      command: command("backfill", p.text, "--type", names(gone), "--source", "FOLDER", ...network),
      would: gone.map((t) => `${plural(inPeriod(t, p, "g").length, "hour")} of ${t.name}, if somebody has copies: put them into FOLDER`),
    });
  }
  const begun = withState("w");
  if (begun.length) {
    out.push({
      title: "A run is loading them, or died",
      command: command("runs", ...network),
      would: ["nothing: it shows which run is at work and which died; the next run continues with its files"],
    });
  }
  const over = withState("x");
  if (!out.length && over.length) out.push(expired(over, network));
  const bare = withState("e");
  if (!out.length && bare.length) {
    const p = period(all(bare, "e"));
    out.push({
      title: "The source had no file", quiet: true,
      command: command("backfill", p.text, "--type", names(bare), ...network),
      would: bare.map((t) => `what has come since: ${plural(inPeriod(t, p, "e").length, "hour")} of ${t.name} had no file`),
    });
  }
  const sound = raw.filter((t) => hoursIn(t, hours, "ln").length);
  if (!out.length && sound.length) {
    const p = period(all(sound, "ln")), files = sound.flatMap((t) => t.files(range(p)));
    out.push({
      title: "Nothing to repair", quiet: true,
      command: command("reload", p.text, "--type", names(sound), ...network),
      would: [`all of it again: ${plural(files.length, "file")}, ${plural(files.reduce((n, f) => n + f.rows, 0), "row")}`],
    });
  }
  return out;
}

const range = (p) => Array.from({length: (p.last - p.first + 1) * 24}, (_, i) => p.first * 24 + i);
