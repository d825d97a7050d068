/** Which clocks the list shows. Each choice is in the address, so that it can be kept, sent and gone back from. */
import { html } from "../lib/html.js";
import { go } from "../lib/route.js";
import { named } from "../lib/words.js";

const FACETS = /** @type {const} */ ([
  ["state", "State"],
  ["severity", "Severity"],
  ["plan", "Plan"],
  ["clock", "Clock"],
  ["queue", "Queue"],
]);
const ORDER = ["breached", "at_risk", "running", "paused"];

/**
 * The address with another filter; paging begins anew.
 * @param {URLSearchParams} query
 * @param {string} name
 * @param {string[]} values
 */
export function withFilter(query, name, values) {
  const next = new URLSearchParams(query);
  next.delete("after");
  next.delete(name);
  for (const value of values) next.append(name, value);
  const text = next.toString();
  return text ? `/cases?${text}` : "/cases";
}

/** @param {{query: URLSearchParams, facets: Record<string, Record<string, number>>}} of */
export function Filters({ query, facets }) {
  const isAny = [...FACETS.map(([name]) => name), "customer", "search"].some((name) => query.has(name));
  return html`
    <form class="filters" role="search" aria-label="Filter the cases" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${Search} query=${query} />
      ${query.getAll("customer").length > 0 && html`<${Facet} name="customer" title="Customer" query=${query} counts=${{}} />`}
      ${FACETS.map(([name, title]) => html`
        <${Facet} key=${name} name=${name} title=${title} query=${query} counts=${facets[name] ?? {}} />`)}
      ${isAny && html`<p class="clear"><a href="/cases">Clear all filters</a></p>`}
    </form>`;
}

/** @param {{query: URLSearchParams}} of */
const Search = ({ query }) => html`
  <div class="search">
    <label for="search">Case id begins with</label>
    <input id="search" type="search" value=${query.get("search") ?? ""} autocomplete="off" spellcheck=${false}
      onChange=${(/** @type {any} */ event) => {
        const text = event.currentTarget.value.trim();
        go(withFilter(query, "search", text ? [text] : []));
      }} />
  </div>`;

/** @param {{name: string, title: string, query: URLSearchParams, counts: Record<string, number>}} of */
function Facet({ name, title, query, counts }) {
  const chosen = query.getAll(name);
  const values = [...new Set([...chosen, ...Object.keys(counts)])].sort(by(name));
  if (values.length === 0) return null;
  const toggle = (/** @type {string} */ value) =>
    go(withFilter(query, name, chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]));
  return html`
    <fieldset class="facet">
      <legend>${title}</legend>
      <div class="choices">${values.map(
        (value) => html`
        <label key=${value} class="choice">
          <input type="checkbox" name=${name} value=${value} checked=${chosen.includes(value)} onChange=${() => toggle(value)} />
          <span>${name === "queue" || name === "customer" ? value || "None" : named(value)}</span>
          ${value in counts && html`<span class="tally">${counts[value].toLocaleString("en")}</span>`}</label>`,
      )}
      </div>
    </fieldset>`;
}

/** @param {string} name @returns {(a: string, b: string) => number} */
const by = (name) => (name === "state" ? (a, b) => ORDER.indexOf(a) - ORDER.indexOf(b) : (a, b) => a.localeCompare(b));
