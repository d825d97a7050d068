/** What the timeline draws, as values: lanes, bars and marks with their places. Pure, so that a test can look at it. */
import { named } from "../lib/words.js";
import { scaleOf, ticks } from "./scale.js";

const AXIS_HEIGHT = 26;
const CLOCK_HEIGHT = 46; // label above, bar below
const MARK = 20; // a mark's width, with room around it
const STACKED_MAX = 5; // marks above each other; more are told by the table alone
const PAD_SHARE = 0.03; // of the time shown, before the first thing and behind the last

/**
 * @typedef {{fromX: number, toX: number, kind: "done" | "over" | "to_come" | "paused", state: string}} Bar
 * @typedef {{x: number, kind: "deadline" | "old_deadline" | "warning" | "verdict", state: string, title: string}} Flag
 * @typedef {{y: number, label: string, state: string, bars: Bar[], flags: Flag[]}} ClockLane
 * @typedef {{x: number, y: number, told: import("../lib/story.js").Told, hidden: number}} Mark
 * @typedef {{y: number, label: string, marks: Mark[]}} MarkLane
 */

const ms = (/** @type {string | null | undefined} */ text) => (text ? Date.parse(text) : null);

/**
 * @param {import("../lib/types.js").CaseDetail} detail
 * @param {import("../lib/story.js").Told[]} told
 * @param {number} width in pixels
 * @param {number} nowMs
 */
export function layout(detail, told, width, nowMs) {
  const zone = detail.calendar?.zone ?? "UTC";
  const runs = runsOf(detail);
  const isOver = runs.every((run) => run.endMs !== null);
  const times = [
    ...told.map((each) => each.atMs),
    ...runs.flatMap((run) => [run.startMs, run.endMs, run.deadlineMs]),
  ].filter((each) => each !== null);
  if (times.length === 0) times.push(nowMs);
  if (!isOver) times.push(nowMs);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const padMs = Math.max(1_000, (last - first) * PAD_SHARE);
  const open = /** @type {[number, number][]} */ (
    (detail.calendar?.open ?? []).map(([from, to]) => [Date.parse(from), Date.parse(to)])
  );
  const scale = scaleOf({ fromMs: first - padMs, toMs: last + padMs, open, left: 12, right: width - 12 });

  let y = AXIS_HEIGHT + 8;
  const clocks = runs.map((run) => {
    const lane = clockLane(run, detail, scale, y, nowMs);
    y += CLOCK_HEIGHT;
    return lane;
  });
  const lanes = /** @type {const} */ ([
    ["events", "Events"],
    ["notices", "Notices"],
  ]).map(([name, label]) => {
    const marks = stacked(
      told.filter((each) => each.lane === name && each.atMs !== null),
      scale,
      y + 30,
    );
    const lane = { y, label, marks };
    y = Math.max(y + 30, ...marks.map((each) => each.y)) + MARK;
    return lane;
  });
  const shaded = open
    .map(([from, to]) => ({ fromX: scale.x(from), toX: scale.x(to) }))
    .filter((each) => each.toX - each.fromX > 0.2);
  return {
    width,
    height: y + 6,
    zone,
    clocks,
    lanes,
    shaded,
    ticks: ticks(scale, zone),
    nowX: nowMs < scale.toMs ? scale.x(nowMs) : null,
  };
}

/**
 * Every run of every clock, silences too.
 * @param {import("../lib/types.js").CaseDetail} detail
 */
function runsOf(detail) {
  const runs = detail.clocks.map((each) => ({
    name: each.clock,
    run: each.run,
    state: each.state === "ended" ? each.verdict : each.state,
    startMs: ms(each.started_at) ?? Date.parse(each.opened_at),
    endMs: ms(each.ended_at),
    deadlineMs: ms(each.deadline),
    verdict: each.verdict,
    verdictMs: ms(each.verdict_at),
    pauses: pausesOf(detail, each),
  }));
  const known = new Set(runs.map((each) => each.name));
  const silences = (detail.explain?.silences ?? [])
    .filter((/** @type {any} */ each) => !known.has(each.clock) || each.verdict?.at)
    .map((/** @type {any} */ each) => ({
      name: each.clock,
      run: each.run,
      state: each.verdict?.state ?? "running",
      startMs: Date.parse(each.since),
      endMs: ms(each.verdict?.at),
      deadlineMs: ms(each.deadline),
      verdict: each.verdict?.state ?? "",
      verdictMs: ms(each.verdict?.at),
      pauses: [],
    }));
  return [...runs, ...silences].sort((a, b) => a.startMs - b.startMs);
}

/**
 * @param {import("../lib/types.js").CaseDetail} detail
 * @param {import("../lib/types.js").CaseClock} clock
 * @returns {{fromMs: number, toMs: number | null}[]}
 */
function pausesOf(detail, clock) {
  const life = (detail.explain?.clocks ?? []).find(
    (/** @type {any} */ each) =>
      each.clock === clock.clock && each.run === clock.run && each.generation === clock.generation,
  );
  return (life?.pauses ?? []).map((/** @type {any} */ each) => ({ fromMs: Date.parse(each.from), toMs: ms(each.to) }));
}

/**
 * @param {any} run
 * @param {import("../lib/types.js").CaseDetail} detail
 * @param {import("./scale.js").Scale} scale
 * @param {number} y
 * @param {number} nowMs
 * @returns {ClockLane}
 */
function clockLane(run, detail, scale, y, nowMs) {
  const { x } = scale;
  const untilMs = run.endMs ?? nowMs;
  /** @type {Bar[]} */
  const bars = [];
  const overMs = run.deadlineMs !== null && run.deadlineMs < untilMs ? Math.max(run.deadlineMs, run.startMs) : null;
  bars.push({
    fromX: x(run.startMs),
    toX: Math.max(x(overMs ?? untilMs), x(run.startMs) + 2),
    kind: "done",
    state: overMs === null ? run.state : "running",
  });
  if (overMs !== null) bars.push({ fromX: x(overMs), toX: x(untilMs), kind: "over", state: "breached" });
  if (run.deadlineMs !== null && run.deadlineMs > untilMs)
    bars.push({ fromX: x(untilMs), toX: x(run.deadlineMs), kind: "to_come", state: run.state });
  for (const pause of run.pauses)
    bars.push({
      fromX: x(pause.fromMs),
      toX: Math.max(x(pause.toMs ?? untilMs), x(pause.fromMs) + 2),
      kind: "paused",
      state: "paused",
    });
  /** @type {Flag[]} */
  const flags = [];
  for (const notice of detail.notices) {
    if (notice.clock !== run.name || notice.time === null || notice.retracted_by) continue;
    const at = Date.parse(notice.time);
    if (at < run.startMs || (run.endMs !== null && at > run.endMs)) continue;
    if (notice.type === "sla.warning")
      flags.push({
        x: x(at),
        kind: "warning",
        state: "at_risk",
        title: `Warning at ${notice.data?.level ?? "?"} percent`,
      });
    const old = ms(notice.data?.old_deadline);
    if (notice.type === "sla.deadline.moved" && old !== null && old <= scale.toMs)
      flags.push({ x: x(old), kind: "old_deadline", state: "paused", title: "The deadline was here" });
  }
  if (run.deadlineMs !== null)
    flags.push({ x: x(run.deadlineMs), kind: "deadline", state: run.state, title: "Deadline" });
  if (run.verdictMs !== null)
    flags.push({ x: x(run.verdictMs), kind: "verdict", state: run.verdict, title: named(run.verdict) });
  return { y, label: named(run.name) + (run.run > 1 ? ` ${run.run}` : ""), state: run.state, bars, flags };
}

/**
 * Marks beside each other, or above each other where there is no room.
 * @param {import("../lib/story.js").Told[]} told
 * @param {import("./scale.js").Scale} scale
 * @param {number} y
 * @returns {Mark[]}
 */
function stacked(told, scale, y) {
  const ends = new Array(STACKED_MAX).fill(-Infinity);
  /** @type {Mark[]} */
  const marks = [];
  for (const each of told) {
    const at = scale.x(/** @type {number} */ (each.atMs));
    const row = ends.findIndex((end) => at - end >= MARK);
    if (row < 0) {
      marks[marks.length - 1].hidden += 1;
      continue;
    }
    ends[row] = at;
    marks.push({ x: at, y: y + row * MARK, told: each, hidden: 0 });
  }
  return marks;
}
