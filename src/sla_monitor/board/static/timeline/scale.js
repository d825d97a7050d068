/**
 * From instants to places. Closed time is drawn narrower than open time: a case of three working days over a weekend
 * shows its hours, not its nights.
 */
import { format } from "../lib/words.js";

const CLOSED_SHARE = 0.3; // width of a closed second beside an open one

/** @typedef {{x: (atMs: number) => number, fromMs: number, toMs: number, left: number, right: number}} Scale */

/**
 * @param {{fromMs: number, toMs: number, open: [number, number][], left: number, right: number}} of `open` in order
 * @returns {Scale}
 */
export function scaleOf({ fromMs, toMs, open, left, right }) {
  /** @type {[number, number][]} */
  const knots = [[fromMs, 0]];
  let sum = 0;
  let atMs = fromMs;
  const go = (/** @type {number} */ toMsNext, /** @type {number} */ weight) => {
    if (toMsNext <= atMs) return;
    sum += (toMsNext - atMs) * weight;
    atMs = toMsNext;
    knots.push([atMs, sum]);
  };
  for (const [opens, closes] of open) {
    if (closes <= fromMs || opens >= toMs) continue;
    go(Math.min(opens, toMs), CLOSED_SHARE);
    go(Math.min(closes, toMs), 1);
  }
  go(toMs, open.length ? CLOSED_SHARE : 1);
  const width = right - left;
  const x = (/** @type {number} */ at) => {
    if (at <= fromMs) return left;
    if (at >= toMs) return right;
    let low = 0;
    let high = knots.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (knots[middle][0] <= at) low = middle;
      else high = middle;
    }
    const [fromAt, fromSum] = knots[low];
    const [toAt, toSum] = knots[high];
    return left + (width * (fromSum + ((at - fromAt) / (toAt - fromAt)) * (toSum - fromSum))) / (sum || 1);
  };
  return { x, fromMs, toMs, left, right };
}

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const STEPS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  DAY,
  7 * DAY,
  28 * DAY,
];
const FIRST_MONDAY = 4 * DAY; // 1970-01-05
const TICK_PX_MIN = 78;
const TICKS_MAX = 400;

/** How far the zone's wall clock is ahead of UTC at an instant. @param {number} at @param {string} zone */
function offset(at, zone) {
  const parts = format(zone, {
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const of = (/** @type {string} */ type) => Number(parts.find((each) => each.type === type)?.value);
  return (
    Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) -
    Math.floor(at / SECOND) * SECOND
  );
}

/**
 * Round times of the zone's wall clock, as many as there is room for.
 * @param {Scale} scale
 * @param {string} zone
 * @returns {{atMs: number, x: number, text: string, isDay: boolean}[]}
 */
export function ticks(scale, zone) {
  const room = Math.max(2, Math.floor((scale.right - scale.left) / TICK_PX_MIN));
  const step = STEPS.find((each) => (scale.toMs - scale.fromMs) / each <= room) ?? STEPS[STEPS.length - 1];
  const found = [];
  let lastX = -Infinity;
  const first = Math.floor((scale.fromMs + offset(scale.fromMs, zone) - FIRST_MONDAY) / step) * step + FIRST_MONDAY;
  for (let wall = first, count = 0; count < TICKS_MAX; wall += step, count += 1) {
    const atMs = wall - offset(wall - offset(wall, zone), zone);
    if (atMs > scale.toMs) break;
    if (atMs < scale.fromMs) continue;
    const x = scale.x(atMs);
    if (x - lastX < TICK_PX_MIN) continue;
    lastX = x;
    found.push({ atMs, x, text: label(atMs, step, zone), isDay: wall % DAY === 0 });
  }
  return found;
}

/** @param {number} atMs @param {number} step @param {string} zone */
function label(atMs, step, zone) {
  if (step >= DAY)
    return format(zone, { weekday: "short", day: "numeric", month: "short" }).format(atMs).replace(",", "");
  if (step < MINUTE) return format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(atMs);
  const time = format(zone, { hour: "2-digit", minute: "2-digit" }).format(atMs);
  return time === "00:00"
    ? format(zone, { weekday: "short", day: "numeric", month: "short" }).format(atMs).replace(",", "")
    : time;
}
