/** What is missing from the data, and why: a partition that moves, a worker that does not answer. */
import { html } from "../lib/html.js";
import { clockTime } from "../lib/words.js";
import { workerNow } from "../lib/now.js";

const WHY = /** @type {Record<string, string>} */ ({
  restoring: "being read in by its worker",
  stopped: "stopped by a flood of bad records: what it says does not move",
  moving: "being moved to another worker",
  unowned: "without a worker",
  unreachable: "with a worker that does not answer",
});

/**
 * Partitions in the same trouble, told in one line.
 * @param {import("../lib/types.js").Partition[]} partitions
 */
export function grouped(partitions) {
  /** @type {Map<string, {state: string, numbers: number[], since: string | null}>} */
  const groups = new Map();
  for (const each of partitions) {
    if (each.state === "live" && each.answered !== false) continue;
    const state = each.state === "live" ? "unreachable" : each.state;
    const group = groups.get(state) ?? { state, numbers: [], since: null };
    group.numbers.push(each.partition);
    if (each.since && (!group.since || each.since < group.since)) group.since = each.since;
    groups.set(state, group);
  }
  return [...groups.values()];
}

/** @param {{partitions: import("../lib/types.js").Partition[], complete: boolean}} said */
export function Incomplete({ partitions, complete }) {
  const groups = grouped(partitions);
  if (complete && groups.length === 0) return null;
  return html`
    <div class="bar bar-incomplete" role="group" aria-label="Data is incomplete">
      <strong>${complete ? "Part of this does not move." : "Incomplete: some cases are missing here."}</strong>
      <ul>${groups.map((group) => html`<li key=${group.state}>${line(group)}</li>`)}</ul>
    </div>`;
}

/** @param {{state: string, numbers: number[], since: string | null}} group */
function line({ state, numbers, since }) {
  const which = numbers.length === 1 ? `Partition ${numbers[0]} is` : `Partitions ${numbers.join(", ")} are`;
  return `${which} ${WHY[state] ?? state}${since ? `, since ${clockTime(since, workerNow())}` : ""}.`;
}

/**
 * Why there is no answer, where the data would be.
 * @param {{problem: import("../lib/api.js").Problem | null}} of
 */
export function Trouble({ problem }) {
  if (!problem || problem.status === 401) return null;
  const { since } = problem.said;
  return html`
    <div class="bar bar-incomplete">
      <strong>${sentence(problem.message)}</strong>
      ${since && ` Since ${clockTime(since, workerNow())}.`}
      ${problem.retryAfterSeconds > 0 && " Asking again by itself."}
    </div>`;
}

const sentence = (/** @type {string} */ text) =>
  text[0].toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
