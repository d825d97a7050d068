/**
 * Server-sent events, read with fetch, because an EventSource can send no header and so no token.
 *
 * Reconnects by itself, soon at first and then more seldom. A connection that is silent for longer than the worker's
 * heartbeat allows is taken for dead: a cable that was pulled closes nothing.
 */
import { request } from "./api.js";

const SILENCE_MS_MAX = 40_000; // a heartbeat comes every 15 s
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];

/**
 * Takes text in pieces cut anywhere, and tells each whole event.
 * @param {(name: string, data: string) => void} told
 */
export function parser(told) {
  let rest = "";
  let name = "message";
  /** @type {string[]} */
  let data = [];
  return (/** @type {string} */ text) => {
    const lines = (rest + text).split(/\r\n|\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length) told(name, data.join("\n"));
        name = "message";
        data = [];
      } else if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
  };
}

/**
 * @param {string} path
 * @param {{opened: () => void, event: (name: string, data: any) => void, lost: (problem: unknown) => void}} on
 * @returns {() => void} ends it
 */
export function listen(path, on) {
  const over = new AbortController();
  let failures = 0;
  const goOn = async () => {
    while (!over.signal.aborted) {
      try {
        await readOnce(
          path,
          over.signal,
          () => {
            failures = 0;
            on.opened();
          },
          on.event,
        );
        throw new Error("the worker ended the connection");
      } catch (problem) {
        if (over.signal.aborted) return;
        on.lost(problem);
      }
      await pause(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)], over.signal);
    }
  };
  goOn();
  return () => over.abort();
}

/**
 * @param {string} path
 * @param {AbortSignal} over
 * @param {() => void} opened
 * @param {(name: string, data: any) => void} told
 */
async function readOnce(path, over, opened, told) {
  const one = new AbortController();
  const end = () => one.abort();
  over.addEventListener("abort", end);
  let silence = setTimeout(end, SILENCE_MS_MAX);
  try {
    const response = await request(path, { signal: one.signal, headers: { Accept: "text/event-stream" } });
    if (!response.body) return;
    opened();
    const take = parser((name, data) => told(name, JSON.parse(data)));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS_MAX);
      take(piece.value);
    }
  } finally {
    clearTimeout(silence);
    over.removeEventListener("abort", end);
    one.abort();
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} over
 */
function pause(ms, over) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    over.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        done(undefined);
      },
      { once: true },
    );
  });
}
