/** The list's table. On a narrow screen each row becomes a card; roles are written out, so that it stays a table for those who listen. */
import { html } from "../lib/html.js";
import { caseHref } from "../lib/route.js";
import { useNow } from "../lib/now.js";
import { clockTime, length, named } from "../lib/words.js";
import { keyOf } from "./clock_row.js";
import { Countdown, Due, Used } from "./countdown.js";
import { withFilter } from "./filters.js";
import { Severity, State } from "./marks.js";

const COLUMNS = /** @type {const} */ ([
  ["Severity", null],
  ["Case", "case_id"],
  ["Clock", null],
  ["State", null],
  ["Time", "deadline"],
  ["Plan", null],
  ["Opened", "opened"],
]);

/** @param {{clocks: import("../lib/types.js").Clock[], query: URLSearchParams}} of */
export const ClockTable = ({ clocks, query }) => html`
  <table class="clocks card" role="table" aria-label="Clocks of open cases">
    <thead role="rowgroup"><tr role="row">${COLUMNS.map(([title, sort]) => html`
      <${Head} key=${title} title=${title} sort=${sort} query=${query} />`)}</tr></thead>
    <tbody role="rowgroup">${clocks.map((clock) => html`<${Row} key=${keyOf(clock)} clock=${clock} query=${query} />`)}</tbody>
  </table>`;

/** @param {{title: string, sort: string | null, query: URLSearchParams}} of */
function Head({ title, sort, query }) {
  if (!sort) return html`<th scope="col" role="columnheader">${title}</th>`;
  const isIt = (query.get("sort") ?? "deadline") === sort;
  return html`
    <th scope="col" role="columnheader" aria-sort=${isIt ? "ascending" : undefined}>
      <a href=${withFilter(query, "sort", sort === "deadline" ? [] : [sort])}>
        ${title}${isIt && html`<span aria-hidden="true"> ↓</span>`}</a>
    </th>`;
}

/** @param {{clock: import("../lib/types.js").Clock, query: URLSearchParams}} of */
const Row = ({ clock, query }) => html`
  <tr role="row" data-state=${clock.state} data-case=${clock.case_id}>
    <td role="cell" class="cell-severity"><${Severity} of=${clock.severity} /></td>
    <td role="cell" class="cell-case"><a class="case-id" href=${caseHref(clock.case_id)}>${clock.case_id}</a>
      <span class="customer">${clock.customer && html`
        <a href=${withFilter(query, "customer", [clock.customer])}
          aria-label=${`Only cases of ${clock.customer}`}><bdi>${clock.customer}</bdi></a>`}${clock.queue && html` · <bdi>${clock.queue}</bdi>`}</span></td>
    <td role="cell" class="cell-clock">${named(clock.clock)}
      <span class="terms">${clock.rule} · ${length(clock.target_seconds)}</span></td>
    <td role="cell" class="cell-state"><${State} of=${clock.state} /></td>
    <td role="cell" class="cell-time"><${Countdown} clock=${clock} />
      <span class="due"><${Due} clock=${clock} /></span><${Used} clock=${clock} /></td>
    <td role="cell" class="cell-plan">${named(clock.plan)} <span class="terms">${clock.country}</span></td>
    <td role="cell" class="cell-opened"><${Opened} at=${clock.opened_at} /></td>
  </tr>`;

/** @param {{at: string}} of */
const Opened = ({ at }) => html`<time dateTime=${at} title=${at}>${clockTime(at, useNow())}</time>`;
