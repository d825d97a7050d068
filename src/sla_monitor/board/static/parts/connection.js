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
  const since = heardAtMs === null ? null : Date.now() - heardAtMs;
  return html`
    <div class="bar bar-lost">
      <strong>No connection to the worker.</strong>
      ${since === null ? " Trying to reach it." : html` What is shown is as of <time dateTime=${new Date(heardAtMs).toISOString()}>${exactTime(workerNow() - since)}</time>, ${length(since / 1_000)} ago. Trying again.`}
    </div>`;
}
