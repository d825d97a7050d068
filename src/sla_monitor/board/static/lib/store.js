/** A value that parts of the page share, and who wants to know when it is another one. */
import { useEffect, useState } from "./html.js";

/**
 * @template T
 * @typedef {{get: () => T, set: (value: T) => void, watch: (told: (value: T) => void) => () => void}} Store
 */

/**
 * @template T
 * @param {T} first
 * @returns {Store<T>}
 */
export function store(first) {
  let value = first;
  const watching = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const told of [...watching]) told(value);
    },
    watch(told) {
      watching.add(told);
      return () => watching.delete(told);
    },
  };
}

/**
 * The value of a store, in a part that is drawn anew when it changes.
 * @template T
 * @param {Store<T>} of
 * @returns {T}
 */
export function useStore(of) {
  const [value, setValue] = useState(of.get());
  useEffect(() => {
    setValue(of.get());
    return of.watch(setValue);
  }, [of]);
  return value;
}
