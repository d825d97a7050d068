/** Says how live the page is: small in the corner, and loud when it is not. */
import { html, useEffect, useRef } from "../lib/html.js";
import { announce } from "../lib/announce.js";
import { connection } from "../lib/connection.js";
import { useNow, workerNow } from "../lib/now.js";
import { useStore } from "../lib/store.js";
import { exactTime, length, ownZone } from "../lib/words.js";

const WORDS = { connecting: "Connecting", live: "Live", lost: "Not live" };

export function Connection() {
  const { state } = useStore(connection);
  const now = useNow();
  return html`
    <span class="connection" data-state=${state}><span class="lamp" aria-hidden="true"></span>${WORDS[state]}</span>
    <time class="wall-time" dateTime=${new Date(now).toISOString()} title=${`Times are of ${ownZone()}`}>${exactTime(now)}</time>`;
}

/** Over everything, as long as the worker cannot be heard. */
export function LostBar() {
  const { state, heardAtMs } = useStore(connection);
  const before = useRef(state);
  useNow();
  useEffect(() => {
    document.documentElement.dataset.connection = state;
    if (state === "lost" && before.current === "live") announce("connection", "The connection to the worker is lost");
    if (state === "live" && before.current === "lost") announce("connection", "Connected again");
    before.current = state;
  }, [state]);
  if (state !== "lost") return null;
  return html`
    <div class="bar bar-lost">
      <strong>No connection to the worker.</strong>
      ${heardAtMs === null ? " Trying to reach it." : html` ${asOf(heardAtMs)} Trying again.`}
    </div>`;
}

/** @param {number} heardAtMs by our clock; it is told by the worker's, as all times of the page */
function asOf(heardAtMs) {
  const agoMs = Date.now() - heardAtMs;
  const at = workerNow() - agoMs;
  return html`What is shown is as of <time dateTime=${new Date(at).toISOString()}>${exactTime(at)}</time>, ${length(agoMs / 1_000)} ago.`;
}
