/**
 * What a screen reader is told without being asked: a new breach, a lost connection, how many a filter found. Never a
 * countdown. What comes within a moment is said in one go, the last of a kind alone.
 */
import { store } from "./store.js";

const TOGETHER_MS = 800;

export const announced = store("");
/** @type {Map<string, string>} */
const waiting = new Map();
let timer = 0;

/**
 * @param {string} kind
 * @param {string} text
 */
export function announce(kind, text) {
  waiting.set(kind, text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    announced.set([...waiting.values()].join(". "));
    waiting.clear();
  }, TOGETHER_MS);
}
