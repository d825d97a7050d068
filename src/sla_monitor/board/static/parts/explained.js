/** Why each deadline is where it is: each count as a sum that anybody can add up. */
import { html } from "../lib/html.js";
import { clockTime, dayTime, format, length, named } from "../lib/words.js";
import { State } from "./marks.js";

const PERIODS_MAX = 40; // shown; the text below has all

const HOW = /** @type {Record<string, string>} */ ({
  from_start: "counted from the start",
  from_change: "the new target counts from the change, and the deadline never becomes later than it was",
  keep_elapsed: "what was used up stays, the rest runs on the new hours",
});

/** @param {{trace: any, words: string[]}} of */
export const Explained = ({ trace, words }) => html`
  ${(trace.clocks ?? []).map(
    (/** @type {any} */ life) => html`
    <section class="why" key=${`${life.clock}${life.run}${life.generation}`}>
      <h3>${named(life.clock)}${life.run > 1 ? ` ${life.run}` : ""} <${State} of=${life.verdict.state} /></h3>
      ${life.counts.map((/** @type {any} */ count, /** @type {number} */ index) => html`
        <${Count} key=${index} count=${count} number=${life.counts.length > 1 ? index + 1 : 0}
          isDecisive=${index === life.decisive_count} deadline=${life.deadline} />`)}
    </section>`,
  )}
  ${(trace.silences ?? []).map(
    (/** @type {any} */ silence) => html`
    <section class="why" key=${`silence${silence.clock}${silence.run}`}>
      <h3>${named(silence.clock)}: support waits on the customer <${State} of=${silence.verdict.state} /></h3>
      <${Count} count=${silence.count} number=${0} isDecisive=${true} deadline=${silence.deadline} />
    </section>`,
  )}
  <${Rules} of=${trace.rules ?? {}} />
  <details class="words"><summary>The same as text, in full</summary>
    <pre tabindex="0" role="region" aria-label="Explanation as text">${words.join("\n")}</pre></details>`;

/** @param {{count: any, number: number, isDecisive: boolean, deadline: string | null}} of */
function Count({ count, number, isDecisive, deadline }) {
  const zone = count.calendar.zone;
  const because = Object.entries(count.target.because ?? {})
    .map(([name, value]) => `${name.replaceAll("_", " ")} is ${String(value).replaceAll("_", " ")}`)
    .join(", ");
  return html`
    <div class="count-box" data-decisive=${isDecisive}>
      ${number > 0 && html`
        <h4>Count ${number}${isDecisive ? ": this one decides" : ""}
          ${" "}<span class="terms">${HOW[count.how] ?? named(count.how)}</span></h4>`}
      <dl class="because">
        <div><dt>Target</dt><dd>
          <strong>${length(count.target.seconds)}</strong> ${count.target.source !== "pack" && "of the case itself "}<${Rule} id=${count.target.rule} />
          ${because && html` <span class="terms">because ${because}</span>`}</dd></div>
        <div><dt>Hours</dt><dd>
          ${count.calendar.always_open ? "Round the clock" : count.calendar.name} <${Rule} id=${count.hours.rule} /></dd></div>
        <div><dt>From</dt><dd>
          ${dayTime(count.from, zone)}
          ${count.credit_seconds > 0 && html` <span class="terms">with ${length(count.credit_seconds)} used up before</span>`}</dd></div>
      </dl>
      <${Periods} count=${count} zone=${zone} />
      <p class="sum">${
        count.reaches_target
          ? html`${length(count.target.seconds)} are used up at <strong>${dayTime(count.ends_at, zone)}</strong>`
          : "The target is not reached before calendars end"
      }${isDecisive && deadline === count.ends_at ? ": the deadline." : "."}</p>
    </div>`;
}

/** @param {{count: any, zone: string}} of */
function Periods({ count, zone }) {
  const lines = [
    ...count.periods.map((/** @type {any} */ each) => ({ at: each.from, ...each })),
    ...closings(count, zone),
  ].sort((a, b) => a.at.localeCompare(b.at));
  if (lines.length === 0) return null;
  return html`
    <table class="periods"><thead><tr><th scope="col">Open</th><th scope="col">Counts</th><th scope="col">Sum</th></tr></thead>
      <tbody>${lines.slice(0, PERIODS_MAX).map((line, index) =>
        line.closed
          ? html`
        <tr key=${index} class="closed"><td>${line.text}</td><td>–</td><td></td></tr>`
          : html`
        <tr key=${index}><td>${fromTo(line.from, line.to, zone)}</td><td>${length(line.seconds)}</td>
          <td>${length(line.sum_seconds)}</td></tr>`,
      )}
        ${lines.length > PERIODS_MAX && html`<tr><td colspan="3">and ${lines.length - PERIODS_MAX} more: see the text</td></tr>`}</tbody>
    </table>`;
}

/** Days and hours of them that something with a name has closed. @param {any} count @param {string} zone */
function closings(count, zone) {
  return count.calendar.days.flatMap((/** @type {any} */ day) =>
    (day.closings ?? []).map((/** @type {any} */ closing) => {
      const date = format("UTC", { weekday: "short", day: "numeric", month: "short" })
        .format(Date.parse(day.date))
        .replace(",", "");
      return {
        closed: true,
        at: `${day.date}T12:00:00Z`,
        text: `${date} closed: ${closing.name || named(closing.kind)}`,
        zone,
      };
    }),
  );
}

/** With seconds where minutes do not tell them apart. @param {string} from @param {string} to @param {string} zone */
function fromTo(from, to, zone) {
  const isExact = (Date.parse(to) - Date.parse(from)) % 60_000 === 0;
  const whole = (/** @type {string} */ at) => (isExact ? clockTime(at, 0, zone) : dayTime(at, zone));
  const short = format(zone, { hour: "2-digit", minute: "2-digit", ...(isExact ? {} : { second: "2-digit" }) });
  return `${whole(from)} to ${sameDay(from, to, zone) ? short.format(new Date(to)) : whole(to)}`;
}

const sameDay = (/** @type {string} */ a, /** @type {string} */ b, /** @type {string} */ zone) => {
  const day = format(zone, { day: "numeric", month: "numeric" });
  return day.format(new Date(a)) === day.format(new Date(b));
};

/** @param {{id: string}} of what the list below has the sentence of */
const Rule = ({ id }) => html`<span class="rule">${id}</span>`;

/** The sentence of each rule that was named, and whether the plan states it. @param {{of: Record<string, any>}} rules */
const Rules = ({ of }) => html`
  <section class="why"><h3>Rules</h3>
    <dl class="rules">${Object.entries(of).map(([id, rule]) => html`
      <div key=${id}><dt><${Rule} id=${id} /></dt>
        <dd>${rule.clause} <span class="terms">${rule.origin === "stated" ? "stated by the plan" : "the pack's own"}</span></dd></div>`)}</dl>
  </section>`;
