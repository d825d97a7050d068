/** What time it is for the worker: its clock decides, not the one of whoever looks at the page. */
import { useEffect, useState } from "./html.js";

let aheadMs = 0;

/**
 * Remembers how far the worker's clock is ahead of ours.
 * @param {string} now as an answer says it
 */
export function learn(now) {
  aheadMs = Date.parse(now) - Date.now();
}

export const workerNow = () => Date.now() + aheadMs;

/** @type {Set<(now: number) => void>} */
const watching = new Set();
let timer = 0;

function tick() {
  for (const told of [...watching]) told(workerNow());
}

/** The worker's time in milliseconds, anew each second. One timer for all that is shown. */
export function useNow() {
  const [now, setNow] = useState(workerNow());
  useEffect(() => {
    watching.add(setNow);
    if (watching.size === 1) timer = setInterval(tick, 1_000);
    return () => {
      watching.delete(setNow);
      if (watching.size === 0) clearInterval(timer);
    };
  }, []);
  return now;
}
