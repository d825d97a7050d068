/**
 * The token, asked for once. It lives in this tab's sessionStorage: another tab asks again, a closed one forgets it,
 * and it is sent in a header alone, never in an address.
 */
import { store } from "./store.js";

const KEY = "sla-monitor-token";

/** What the form is for: nothing, or "needed", or "wrong" when the one we had was refused. */
export const asked = store(/** @type {null | "needed" | "wrong"} */ (null));
/** Counts up with each new token, so that whoever was refused asks again. */
export const renewed = store(0);

export const token = () => sessionStorage.getItem(KEY);

/** The worker refused us. */
export function refused() {
  const had = token();
  sessionStorage.removeItem(KEY);
  if (asked.get() === null) asked.set(had ? "wrong" : "needed");
}

/** @param {string} given */
export function keep(given) {
  sessionStorage.setItem(KEY, given.trim());
  asked.set(null);
  renewed.set(renewed.get() + 1);
}

/** @returns {Record<string, string>} the header, when there is a token */
export function authorization() {
  const has = token();
  return has ? { Authorization: `Bearer ${has}` } : {};
}
