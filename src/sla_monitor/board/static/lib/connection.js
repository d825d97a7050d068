/** Whether what is shown is live, and if not, as of when it is. */
import { store } from "./store.js";

/**
 * `heardAtMs`: when the worker last said anything, by our clock.
 * @typedef {{state: "connecting" | "live" | "lost", heardAtMs: number | null}} Connection
 */

export const connection = store(/** @type {Connection} */ ({ state: "connecting", heardAtMs: null }));

export function heard() {
  connection.set({ state: "live", heardAtMs: Date.now() });
}

export function lost() {
  connection.set({ state: "lost", heardAtMs: connection.get().heardAtMs });
}
