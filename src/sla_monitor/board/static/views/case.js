/** One case: how its clocks stand, its timeline, why its deadlines are where they are, and the facts as they came. */
import { html, useEffect, useMemo, useState } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { story } from "../lib/story.js";
import { clockTime, length, named } from "../lib/words.js";
import { useNow } from "../lib/now.js";
import { keyOf } from "../parts/clock_row.js";
import { Countdown, Due, Used } from "../parts/countdown.js";
import { Downgrade } from "../parts/downgrade.js";
import { Explained } from "../parts/explained.js";
import { Names, Severity, State } from "../parts/marks.js";
import { StoryTable } from "../parts/story_table.js";
import { Trouble } from "../parts/trouble.js";
import { Timeline } from "../timeline/timeline.js";

/** @typedef {import("../lib/types.js").CaseDetail} Detail */

/** @param {{caseId: string}} of */
export function Case({ caseId }) {
  const encoded = encodeURIComponent(caseId);
  const { document: said, problem } = useLive(`/cases/${encoded}`, `/stream?case=${encoded}`);
  useEffect(() => {
    document.title = `${caseId} · SLA board`;
  }, [caseId]);
  return html`
    <div class="view-head case-head">
      <h1 tabindex="-1">${said?.case.severity && html`<${Severity} of=${said.case.severity} />`} ${caseId}</h1>
      ${said && html`<p class="terms"><${Names} of=${labels(said.case)} /></p>`}
    </div>
    <${Trouble} problem=${problem} />
    ${said ? html`<${Shown} detail=${said} />` : !problem && html`<p class="plain">Asking the worker.</p>`}`;
}

/** @param {{detail: Detail}} of */
function Shown({ detail }) {
  const told = useMemo(() => story(detail), [detail]);
  const [chosen, choose] = useState(/** @type {number | null} */ (null));
  const zone = detail.calendar?.zone ?? "UTC";
  return html`
    <ul class="clock-cards" aria-label="Clocks">${detail.clocks.map((clock) => html`
      <${ClockCard} key=${keyOf(clock)} clock=${clock} />`)}</ul>
    ${detail.clocks.length === 0 && html`<p class="none card">No clock has run for this case.</p>`}
    ${detail.downgrades.map((each) => html`
      <section class="card" key=${each.recommendation} aria-label="Downgrade waiting">
        <header class="card-head"><h2>A downgrade waits for a decision</h2></header>
        <${Downgrade} of=${each} isAlone=${true} />
      </section>`)}
    <section class="card" aria-labelledby="timeline">
      <header class="card-head"><h2 id="timeline">Timeline</h2><span class="terms">${aboutTimes(detail, zone)}</span></header>
      <${Timeline} detail=${detail} told=${told} chosen=${chosen} choose=${choose} />
      <${Legend} /></section>
    <div class="case-columns">
      <section class="card" aria-labelledby="story"><header class="card-head"><h2 id="story">All that happened</h2></header>
        <${StoryTable} told=${told} zone=${zone} chosen=${chosen} choose=${choose} /></section>
      <section class="card" aria-labelledby="why"><header class="card-head"><h2 id="why">Why</h2>
          <span class="terms">as of ${clockTime(detail.explain.as_of ?? detail.now, Date.parse(detail.now), zone)}</span></header>
        <${Explained} trace=${detail.explain} words=${detail.words} /></section>
    </div>
    <${Facts} detail=${detail} />`;
}

/** @param {{clock: import("../lib/types.js").CaseClock}} of */
function ClockCard({ clock }) {
  const now = useNow();
  const isEnded = clock.state === "ended";
  return html`
    <li class="card clock-card" data-state=${isEnded ? clock.verdict : clock.state}>
      <h2>${named(clock.clock)}${clock.run > 1 ? ` ${clock.run}` : ""}
        ${clock.generation > 1 ? html` <span class="terms">after reopening ${clock.generation - 1}</span>` : ""}</h2>
      <p class="clock-state"><${State} of=${isEnded ? clock.verdict : clock.state} />
        ${!clock.promised && html` <span class="terms">not promised</span>`}</p>
      ${
        isEnded
          ? html`<p class="due">${clock.ended_at && `ended ${clockTime(clock.ended_at, now)}`}${leftOver(clock)}</p>`
          : html`<${Countdown} clock=${clock} /><p class="due"><${Due} clock=${clock} /></p><${Used} clock=${clock} />`
      }
      <p class="clause"><span class="rule">${clock.rule}</span> ${clock.clause}</p>
      <p class="terms">${length(clock.target_seconds)} · ${clock.calendar}</p>
    </li>`;
}

const Legend = () => html`
  <ul class="legend" aria-label="Signs of the timeline">
    <li><span class="key key-open"></span>open hours</li><li><span class="key key-done"></span>clock</li>
    <li><span class="key key-to_come"></span>to come</li>
    <li><span class="key key-paused"></span>paused</li><li>⚑ deadline</li><li>▲ warning</li><li><s>1</s> taken back</li>
  </ul>`;

/** @param {{detail: Detail}} of */
const Facts = ({ detail }) => html`
  <section class="card" aria-labelledby="facts"><header class="card-head"><h2 id="facts">Raw facts</h2></header>
    <dl class="facts">${Object.entries(detail.case)
      .filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0))
      .map(
        ([name, value]) => html`
      <div key=${name}><dt>${name}</dt><dd>${typeof value === "object" ? JSON.stringify(value) : String(value)}</dd></div>`,
      )}</dl>
    <details class="raw"><summary>Events as the worker holds them (${detail.events.length})</summary>
      <pre tabindex="0" role="region" aria-label="Events as JSON">${JSON.stringify(detail.events, null, 2)}</pre></details>
    <details class="raw"><summary>Notices as they were sent (${detail.notices.length})</summary>
      <pre tabindex="0" role="region" aria-label="Notices as JSON">${JSON.stringify(detail.notices, null, 2)}</pre></details>
  </section>`;

/** @param {Record<string, any>} of */
const labels = (of) =>
  [named(String(of.status)), of.customer, of.product, of.queue, of.plan && named(of.plan), of.country];

/** @param {Detail} detail @param {string} zone */
function aboutTimes({ calendar }, zone) {
  const shaded = calendar ? `; shaded: open hours of ${calendar.name}` : "";
  return `times of ${zone}${shaded}${calendar?.truncated ? ", as far as they are told" : ""}`;
}

/** @param {import("../lib/types.js").CaseClock} clock */
function leftOver({ remaining_seconds }) {
  if (remaining_seconds === null) return "";
  return `, ${length(remaining_seconds)} ${remaining_seconds < 0 ? "over" : "left"}`;
}
