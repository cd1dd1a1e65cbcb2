// Hours and days count from 1970. A file is for an hour of UTC; a day is one of the
// network's zone, or of UTC if the reader asks for that. Where clocks change, a day of
// the zone has 23 or 25 hours.
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const two = (n) => String(n).padStart(2, "0");

class Clock {
  constructor(zone) {
    this.name = zone.name;
    this.from = zone.from.length ? zone.from : [[0, 0]];
  }

  minutes(hour) { // ahead of UTC
    let low = 0, high = this.from.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.from[middle][0] <= hour) low = middle;
      else high = middle - 1;
    }
    return this.from[low][1];
  }

  day(hour) { return Math.floor((hour * 60 + this.minutes(hour)) / 1440); }

  hours(day) {
    const hours = [];
    for (let hour = day * 24 - 15; hour < day * 24 + 39; hour++) {
      if (this.day(hour) === day) hours.push(hour);
    }
    return hours;
  }

  time(hour) { // of its beginning: 05:00
    const minute = (((hour * 60 + this.minutes(hour)) % 1440) + 1440) % 1440;
    return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
  }

  offset(hour) { // +02:00
    const m = this.minutes(hour), a = Math.abs(m);
    return `${m < 0 ? "−" : "+"}${two(Math.floor(a / 60))}:${two(a % 60)}`;
  }
}

const utcClock = new Clock({name: "UTC", from: []});
const dateOf = (day) => new Date(day * 86400000);
const dayNumber = (year, month, date) => Date.UTC(year, month, date) / 86400000;
const yearOf = (day) => dateOf(day).getUTCFullYear();
const weekday = (day) => (((day + 3) % 7) + 7) % 7; // 0 is Monday
const isoDay = (day) => dateOf(day).toISOString().slice(0, 10);
const compactDay = (day) => isoDay(day).replaceAll("-", "");

function longDay(day) {
  const d = dateOf(day);
  return `${WEEKDAYS[weekday(day)]} ${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
}

const instant = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
