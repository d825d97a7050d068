/**
 * All that happened to a case, in one order and numbered: the table tells it, and the timeline's marks have the same
 * numbers.
 */
import { length, named } from "./words.js";

/**
 * `tone`: how it is drawn. `atMs` null: only that it was said is known still.
 * @typedef {{number: number, atMs: number | null, lane: "events" | "notices", tone: string, what: string, about: string,
 *   id: string, source: string, void: boolean, data: Record<string, any> | null, type: string}} Told
 */

const TONES = /** @type {Record<string, string>} */ ({
  "sla.breached": "breached",
  "sla.overdue": "breached",
  "sla.warning": "at_risk",
  "sla.met": "met",
  "sla.retracted": "void",
  "severity.downgrade_recommended": "downgrade",
  "severity.downgraded": "downgrade",
  "severity.restored": "downgrade",
});

const WORDS = /** @type {Record<string, string>} */ ({
  "sla.clock.started": "Clock started",
  "sla.clock.paused": "Clock paused",
  "sla.clock.resumed": "Clock resumed",
  "sla.clock.stopped": "Clock stopped",
  "sla.deadline.moved": "Deadline moved",
  "sla.retracted": "Taken back",
  "sla.cancelled": "Ended without a verdict",
  "severity.downgrade_recommended": "Downgrade recommended",
  "severity.downgraded": "Severity lowered",
  "severity.restored": "Severity restored",
});

/**
 * @param {import("./types.js").CaseDetail} detail
 * @returns {Told[]}
 */
export function story(detail) {
  const events = detail.events.map((each) => ({
    atMs: Date.parse(each.time),
    lane: /** @type {const} */ ("events"),
    tone: each.withdrawn ? "void" : "event",
    what: each.type === "case.opened" ? "Opened" : named(each.type.split(".").slice(1).join(" ")),
    about: facts(each.data),
    id: each.id,
    source: each.source,
    void: each.withdrawn,
    data: each.data,
    type: each.type,
  }));
  const notices = detail.notices.map((each) => ({
    atMs: each.time ? Date.parse(each.time) : null,
    lane: /** @type {const} */ ("notices"),
    tone: each.retracted_by ? "void" : (TONES[each.type] ?? "notice"),
    what: wordsOf(each.type),
    about: said(each, detail.notices),
    id: each.id,
    source: "",
    void: Boolean(each.retracted_by),
    data: each.data,
    type: each.type,
  }));
  const all = [...events, ...notices];
  const order = (/** @type {{atMs: number | null}} */ each) => each.atMs ?? Infinity; // stable: events before what they led to
  return all
    .sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)))
    .map((each, index) => ({ ...each, number: index + 1 }));
}

const wordsOf = (/** @type {string} */ type) => WORDS[type] ?? named(type.split(".").slice(1).join(" "));

/** @param {Record<string, any>} data */
function facts(data) {
  return Object.entries(data)
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${plain(value)}`)
    .join(" · ");
}

/** @param {any} value @returns {string} */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (value && typeof value === "object")
    return Object.entries(value)
      .map(([name, inner]) => `${name} ${plain(inner)}`)
      .join(", ");
  return typeof value === "string" ? value.replaceAll("_", " ") : String(value);
}

/**
 * @param {import("./types.js").CaseNotice} notice
 * @param {import("./types.js").CaseNotice[]} all
 */
function said(notice, all) {
  const data = notice.data ?? {};
  const words = [];
  if (notice.clock) words.push(named(notice.clock));
  if (data.level) words.push(`${data.level} percent used`);
  if (typeof data.remaining === "number" && !data.late) words.push(`${length(data.remaining)} left`);
  if (data.late) words.push(`late by ${length(data.late_by ?? 0)}`);
  if (data.from && data.to) words.push(`${data.from} to ${data.to}`);
  if (data.rule) words.push(data.rule);
  if (notice.retracts)
    words.push(
      `withdraws ${wordsOf(all.find((each) => each.id === notice.retracts)?.type ?? "sla.a notice")}`,
    );
  if (notice.retracted_by) words.push("no longer stands");
  return words.join(" · ");
}
