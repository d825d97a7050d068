/** Severity, state and verdict at a glance: each by a letter or a sign and a word, and by colour besides. */
import { html } from "../lib/html.js";
import { named } from "../lib/words.js";

/** @param {{of: string}} severity */
export const Severity = ({ of }) => html`
  <span class="severity" data-severity=${of}><span class="unseen">Severity </span>${of}</span>`;

const SIGNS = /** @type {Record<string, string>} */ ({
  running: "M5 3.5 12.5 8 5 12.5z",
  at_risk: "M8 2 14.5 13.5H1.5z",
  paused: "M4 3h3v10H4zM9 3h3v10H9z",
  breached: "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z",
  broken: "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z",
  met: "M6.5 13 1.8 8.3l1.8-1.8 2.9 2.9 5.9-5.9 1.8 1.8z",
  met_late: "M6.5 13 1.8 8.3l1.8-1.8 2.9 2.9 5.9-5.9 1.8 1.8z",
  cancelled: "M3 7h10v2H3z",
  ended: "M3.5 3.5h9v9h-9z",
});

/**
 * Names that others chose, in one line. Each is written in its own direction and turns nothing that stands beside it.
 * @param {{of: unknown[]}} names those that are empty are left out
 */
export const Names = ({ of }) =>
  of.filter(Boolean).map((name, place) => html`${place > 0 && " · "}<bdi>${name}</bdi>`);

/** @param {{of: string}} state */
export const State = ({ of }) => html`
  <span class="state" data-state=${of}><${Sign} of=${of} />${named(of)}</span>`;

/** @param {{of: string}} state */
export const Sign = ({ of }) => html`
  <svg class="sign" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true"><path d=${SIGNS[of] ?? SIGNS.ended} /></svg>`;
