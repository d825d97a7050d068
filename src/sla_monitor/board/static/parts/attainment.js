/** Promises kept, by plan and severity, one table for each clock. */
import { html } from "../lib/html.js";
import { named, plural } from "../lib/words.js";

/** @typedef {import("../lib/types.js").Attained} Attained */

/** @param {{of: Attained[]}} attained */
export function Attainment({ of }) {
  const decided = of.filter((each) => each.met + each.breached > 0);
  const clocks = [...new Set(decided.map((each) => each.clock))].sort();
  return html`
    <section class="card" aria-labelledby="attainment">
      <header class="card-head"><h2 id="attainment">Attainment</h2><span class="terms">since the workers started</span></header>
      ${
        clocks.length === 0
          ? html`<p class="none">No promise has come to a verdict yet.</p>`
          : clocks.map(
              (clock) =>
                html`<${OfClock} key=${clock} clock=${clock} of=${decided.filter((each) => each.clock === clock)} />`,
            )
      }
    </section>`;
}

/** @param {{clock: string, of: Attained[]}} those */
function OfClock({ clock, of }) {
  const severities = [...new Set(of.map((each) => each.severity))].sort();
  const plans = [...new Set(of.map((each) => each.plan))].sort();
  const at = new Map(of.map((each) => [`${each.plan} ${each.severity}`, each]));
  return html`
    <table class="attainment">
      <caption>${named(clock)}</caption>
      <thead><tr><th scope="col">Plan</th>${severities.map((each) => html`
        <th scope="col" key=${each}><span class="unseen">Severity </span>${each}</th>`)}</tr></thead>
      <tbody>${plans.map(
        (plan) => html`
        <tr key=${plan}><th scope="row">${named(plan)}</th>
          ${severities.map((severity) => html`<td key=${severity}><${Cell} of=${at.get(`${plan} ${severity}`)} /></td>`)}</tr>`,
      )}
      </tbody>
    </table>`;
}

/** @param {{of: Attained | undefined}} one */
function Cell({ of }) {
  if (!of || of.attained === null) return html`<span class="none">–</span>`;
  const percent = 100 * of.attained;
  const late = of.met_late ? `, ${of.met_late} answered late` : "";
  return html`
    <span class="percent">${percent === 100 ? "100" : percent.toFixed(1)}<small> %</small></span>
    <svg class="kept" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="kept-not" width="100" height="4" /><rect class="kept-part" width=${percent.toFixed(1)} height="4" />
    </svg>
    <span class="of" title=${`${plural(of.breached, "breach", "breaches")}${late}`}>
      ${of.met.toLocaleString("en")} of ${(of.met + of.breached).toLocaleString("en")}</span>`;
}
