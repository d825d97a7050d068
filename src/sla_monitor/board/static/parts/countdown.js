/** Time left or over, counting. Of role timer: a screen reader reads it when it gets there, and never each tick. */
import { html } from "../lib/html.js";
import { useNow } from "../lib/now.js";
import { clockTime, countdown, length } from "../lib/words.js";

/**
 * As it is now, which may be later than the worker has said: a deadline that went by shows as over at once.
 * @param {import("../lib/types.js").Clock} clock
 * @param {number} now
 */
export function remainingSeconds(clock, now) {
  return clock.deadline === null ? null : (Date.parse(clock.deadline) - now) / 1_000;
}

/**
 * The share of the target that is used up. Moves on between answers only where that is certain: when all the time until
 * the deadline is open time.
 * @param {import("../lib/types.js").Clock} clock
 * @param {number} now
 */
export function usedShare(clock, now) {
  if (!clock.target_seconds) return 0;
  const left = remainingSeconds(clock, now);
  const openLeft = clock.target_seconds - clock.elapsed_seconds;
  const isOpenThroughout = clock.remaining_seconds !== null && Math.abs(clock.remaining_seconds - openLeft) < 2;
  const used = isOpenThroughout && left !== null ? clock.target_seconds - left : clock.elapsed_seconds;
  return Math.min(1, Math.max(0, used / clock.target_seconds));
}

/** @param {{clock: import("../lib/types.js").Clock}} of */
export function Countdown({ clock }) {
  const now = useNow();
  if (clock.state === "paused") {
    const since = clock.paused_since ? (now - Date.parse(clock.paused_since)) / 1_000 : 0;
    return html`<span class="countdown" data-state="paused" role="timer">
      <span class="figure">${countdown(since)}</span> <span class="unit">paused</span></span>`;
  }
  const left = remainingSeconds(clock, now);
  if (left === null) return html`<span class="countdown"><span class="unit">no deadline</span></span>`;
  const state = left <= 0 ? "breached" : clock.state;
  return html`
    <span class="countdown" data-state=${state} role="timer">
      <span class="figure">${left < 0 ? "+" : ""}${countdown(left < 0 ? left : Math.ceil(left))}</span>
      ${" "}<span class="unit">${left <= 0 ? "over" : "left"}</span>
    </span>`;
}

/** @param {{clock: import("../lib/types.js").Clock}} of */
export function Used({ clock }) {
  const share = usedShare(clock, useNow());
  return html`
    <svg class="used" data-state=${clock.state} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="used-all" width="100" height="4" /><rect class="used-part" width=${(100 * share).toFixed(1)} height="4" />
    </svg>`;
}

/** @param {{clock: import("../lib/types.js").Clock}} of */
export function Due({ clock }) {
  const now = useNow();
  if (clock.state === "paused")
    return html`<span>${clock.pause_reason ? `waits: ${clock.pause_reason.replaceAll("_", " ")}` : "paused"}</span>`;
  if (clock.deadline === null) return html`<span>${length(clock.target_seconds)} in all</span>`;
  return html`<span>${Date.parse(clock.deadline) <= now ? "was due" : "due"}
    ${" "}<time dateTime=${clock.deadline} title=${clock.deadline}>${clockTime(clock.deadline, now)}</time></span>`;
}
