/** One clock of one case, as a line of the overview. */
import { html } from "../lib/html.js";
import { caseHref } from "../lib/route.js";
import { length, named } from "../lib/words.js";
import { Countdown, Due, Used } from "./countdown.js";
import { Names, Severity, State } from "./marks.js";

/** @param {import("../lib/types.js").Clock} clock */
export const keyOf = (clock) => `${clock.case_id} ${clock.generation} ${clock.clock} ${clock.run}`;

/** @param {{clock: import("../lib/types.js").Clock}} of */
export const ClockRow = ({ clock }) => html`
  <li class="row" data-state=${clock.state} data-case=${clock.case_id}>
    <${Severity} of=${clock.severity} />
    <div class="row-what">
      <a class="case-id" href=${caseHref(clock.case_id)}>${clock.case_id}</a>
      <span class="customer"><${Names} of=${[clock.customer, clock.queue]} /></span>
      <span class="terms">${named(clock.clock)} · ${length(clock.target_seconds)} · ${named(clock.plan)}</span>
    </div>
    <div class="row-when">
      <${Countdown} clock=${clock} />
      <span class="due">${clock.state === "at_risk" && html`<${State} of="at_risk" /> `}<${Due} clock=${clock} /></span>
    </div>
    <${Used} clock=${clock} />
  </li>`;

/**
 * A heading, how many there are in all, and the first of them.
 * @param {{id: string, title: string, clocks: import("../lib/types.js").Clock[], count: number, href: string, none: string}} list
 */
export const ClockList = ({ id, title, clocks, count, href, none }) => html`
  <section class="card" aria-labelledby=${id}>
    <header class="card-head">
      <h2 id=${id}>${title}</h2>
      ${count > clocks.length && html`<a href=${href}>All ${count.toLocaleString("en")}<span class="unseen"> of: ${title}</span></a>`}
    </header>
    ${
      clocks.length === 0
        ? html`<p class="none">${none}</p>`
        : html`
      <ol class="rows">${clocks.map((clock) => html`<${ClockRow} key=${keyOf(clock)} clock=${clock} />`)}</ol>`
    }
  </section>`;
