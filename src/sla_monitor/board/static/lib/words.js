/** Numbers, times and names as people read them. */

const KNOWN = /** @type {Record<string, string>} */ ({
  running: "Running",
  at_risk: "At risk",
  paused: "Paused",
  breached: "Breached",
  ended: "Ended",
  met: "Met",
  met_late: "Met late",
  cancelled: "Cancelled",
  broken: "Broken",
});

/**
 * A name of the API as words: `initial_response` is "Initial response".
 * @param {string} name
 */
export function named(name) {
  if (name in KNOWN) return KNOWN[name];
  const words = name.replaceAll("_", " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : "None";
}

const two = (/** @type {number} */ number) => String(number).padStart(2, "0");

/**
 * As a clock counts down: 42 s is "0:42", an hour "1:00:00", more than a day "2 d 04:00".
 * @param {number} seconds its sign is left to whoever shows it
 */
export function countdown(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days) return `${days} d ${two(hours)}:${two(minutes)}`;
  if (hours) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/**
 * A length as it is written in a sentence: "4 h", "1 h 30 min", "45 s". At most two units.
 * @param {number} seconds
 */
export function length(seconds) {
  const whole = Math.round(Math.abs(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string | undefined} zone undefined: that of whoever looks
 * @param {Intl.DateTimeFormatOptions} options
 */
export function format(zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (!made) {
    const timeZone = zone === "UTC" ? "UTC" : zone;
    made = new Intl.DateTimeFormat("en-GB", { hourCycle: "h23", timeZone, ...options });
    formats.set(key, made);
  }
  return made;
}

const TIME = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });
const SECONDS = /** @type {const} */ ({ ...TIME, second: "2-digit" });
const DAY = /** @type {const} */ ({ weekday: "short", day: "numeric", month: "short" });
const DATE = /** @type {const} */ ({ year: "numeric", month: "2-digit", day: "2-digit" });

/**
 * "14:03", or "Thu 26 Nov 14:03" when it is not the day of `now`.
 * @param {string | number} at
 * @param {number} now
 * @param {string} [zone]
 */
export function clockTime(at, now, zone) {
  const time = new Date(at);
  const isToday = format(zone, DATE).format(time) === format(zone, DATE).format(now);
  const said = format(zone, TIME).format(time);
  return isToday ? said : `${format(zone, DAY).format(time).replace(",", "")} ${said}`;
}

/**
 * With the seconds, for the wall and for what happened at an instant.
 * @param {string | number} at
 * @param {string} [zone]
 */
export const exactTime = (at, zone) => format(zone, SECONDS).format(new Date(at));

/**
 * @param {string | number} at
 * @param {string} [zone]
 */
export const dayTime = (at, zone) =>
  `${format(zone, DAY).format(new Date(at)).replace(",", "")} ${exactTime(at, zone)}`;

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
