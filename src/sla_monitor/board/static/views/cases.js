/** Every clock of an open case, a page at a time: the worker filters, sorts and counts, so that 10,000 are no more work here than fifty. */
import { html, useEffect } from "../lib/html.js";
import { announce } from "../lib/announce.js";
import { useLive } from "../lib/live.js";
import { go } from "../lib/route.js";
import { plural } from "../lib/words.js";
import { ClockTable } from "../parts/clock_table.js";
import { Filters } from "../parts/filters.js";
import { Incomplete, Trouble } from "../parts/trouble.js";

/** @param {{query: URLSearchParams}} of */
export function Cases({ query }) {
  const asked = query.toString();
  const path = asked ? `/cases?${asked}` : "/cases";
  const { document: said, problem, isOf } = useLive(path, "/stream");
  const isWaiting = isOf !== path;
  useEffect(() => {
    document.title = "Open cases · SLA board";
  }, []);
  const total = said?.total;
  useEffect(() => {
    if (!isWaiting) announce("found", plural(total, "clock"));
  }, [isOf, isWaiting]);
  return html`
    <div class="view-head">
      <h1 tabindex="-1">Open cases</h1>
      ${said && html`<p class="terms">
        <strong>${total.toLocaleString("en")}</strong> ${total === 1 ? "clock" : "clocks"}${said.items.length < total ? `, ${said.items.length} on this page` : ""}</p>`}
    </div>
    <${Trouble} problem=${problem} />
    ${
      said &&
      html`
      <${Incomplete} partitions=${said.partitions ?? []} complete=${said.complete} />
      <div class="list">
        <details class="filter-box" open=${matchMedia("(min-width: 60rem)").matches}>
          <summary>Filters</summary>
          <${Filters} query=${query} facets=${said.facets} />
        </details>
        <div class="list-main" aria-busy=${isWaiting}>
          ${
            said.items.length === 0
              ? html`<p class="none card">No clock of an open case is like that. <a href="/cases">Show all</a></p>`
              : html`<${ClockTable} clocks=${said.items} query=${query} />`
          }
          <${Pages} query=${query} next=${said.next} />
        </div>
      </div>`
    }
    ${!said && !problem && html`<p class="plain">Asking the worker.</p>`}`;
}

/** @param {{query: URLSearchParams, next: string | null}} of */
function Pages({ query, next }) {
  const after = query.get("after");
  if (!after && !next) return null;
  const with_ = (/** @type {string | null} */ cursor) => {
    const other = new URLSearchParams(query);
    if (cursor) other.set("after", cursor);
    else other.delete("after");
    const text = other.toString();
    return text ? `/cases?${text}` : "/cases";
  };
  const turn = (/** @type {string} */ href) => (/** @type {MouseEvent} */ event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(href);
    scrollTo(0, 0);
    /** @type {HTMLElement | null} */ (document.querySelector("main h1"))?.focus({ preventScroll: true });
  };
  return html`
    <nav class="pages" aria-label="Pages">
      ${after && html`<a href=${with_(null)} onClick=${turn(with_(null))}>First page</a>`}
      ${after && html`<button type="button" onClick=${() => history.back()}>Back</button>`}
      ${next && html`<a class="next" href=${with_(next)} onClick=${turn(with_(next))}>Next page</a>`}
    </nav>`;
}
