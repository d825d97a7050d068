/**
 * Which view the address names: / is the overview, /cases the list with its filters, /case/ID a case. Links are
 * ordinary links; a plain click is taken here, so that the page and its connection stay.
 */
import { store } from "./store.js";

/** @typedef {{view: "overview" | "cases" | "case" | "unknown", caseId: string, query: URLSearchParams, href: string}} Route */

/**
 * @param {{pathname: string, search: string}} at
 * @returns {Route}
 */
export function parsed(at) {
  const query = new URLSearchParams(at.search);
  const href = at.pathname + at.search;
  const [, first, second, ...more] = at.pathname.split("/");
  const caseId = first === "case" && second && !more.length ? decoded(second) : "";
  if (caseId) return { view: "case", caseId, query, href };
  if (first === "cases" && second === undefined) return { view: "cases", caseId: "", query, href };
  return { view: first === "" ? "overview" : "unknown", caseId: "", query, href };
}

/** What cannot be decoded was typed by hand: it names no case. */
function decoded(/** @type {string} */ part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

export const route = store(parsed(location));

/**
 * @param {string} href
 * @param {{replace?: boolean}} [how]
 */
export function go(href, how = {}) {
  if (how.replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  route.set(parsed(location));
}

export const caseHref = (/** @type {string} */ caseId) => `/case/${encodeURIComponent(caseId)}`;

/**
 * The list with these filters.
 * @param {Record<string, string>} [filters]
 */
export function casesHref(filters = {}) {
  const query = new URLSearchParams(filters).toString();
  return query ? `/cases?${query}` : "/cases";
}

/** @param {MouseEvent} event */
function clicked(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return;
  if (link.hash || parsed(link).view === "unknown") return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export function watchLinks() {
  addEventListener("popstate", () => route.set(parsed(location)));
  document.addEventListener("click", clicked);
}
