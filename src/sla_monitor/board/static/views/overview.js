/** What a team lead looks at all day: what is due next, what is over, what waits, and how well it goes. */
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { announce } from "../lib/announce.js";
import { useLive } from "../lib/live.js";
import { casesHref } from "../lib/route.js";
import { plural } from "../lib/words.js";
import { Attainment } from "../parts/attainment.js";
import { ClockList, keyOf } from "../parts/clock_row.js";
import { Downgrade } from "../parts/downgrade.js";
import { Sign } from "../parts/marks.js";
import { Incomplete, Trouble } from "../parts/trouble.js";

const NEAREST_MAX = 12; // what fits a screen on a wall; the list has all
const OTHERS_MAX = 6;
const DOWNGRADES_MAX = 2;

/** @typedef {import("../lib/types.js").Overview} Document */

export function Overview() {
  const { document: said, problem } = useLive("/overview", "/stream");
  useTitle(said);
  useBreachesAnnounced(said);
  return html`
    <div class="view-head">
      <h1 tabindex="-1">Overview</h1>
      ${said && html`<p class="terms">${said.deployment} · policy ${said.policy.name} ${said.policy.version}</p>`}
    </div>
    <${Trouble} problem=${problem} />
    ${said ? html`<${Shown} said=${said} />` : !problem && html`<p class="plain">Asking the worker.</p>`}`;
}

/** @param {{said: Document}} of */
const Shown = ({ said }) => html`
  <${Incomplete} partitions=${said.partitions} complete=${said.complete} />
  <${Counts} of=${said.counts} />
  <div class="columns">
    <div class="column">
      <${ClockList} id="nearest" title="Next deadlines" clocks=${said.nearest.slice(0, NEAREST_MAX)}
        count=${said.counts.running + said.counts.at_risk}
        href="/cases?state=running&state=at_risk" none="No clock is running." />
    </div>
    <div class="column">
      <${ClockList} id="breached" title="Breached" clocks=${said.breached.slice(0, OTHERS_MAX)} count=${said.counts.breached}
        href=${casesHref({ state: "breached" })} none="No open case is over its deadline." />
      <${ClockList} id="paused" title="Paused" clocks=${said.paused.slice(0, OTHERS_MAX)} count=${said.counts.paused}
        href=${casesHref({ state: "paused" })} none="No clock is paused." />
      <${Attainment} of=${said.attainment} />
    </div>
    <div class="column">
      <${Downgrades} of=${said.downgrades} count=${said.counts.downgrades_waiting} />
    </div>
  </div>`;

/** The first few; the rest when asked for. @param {{of: import("../lib/types.js").Downgrade[], count: number}} waiting */
function Downgrades({ of, count }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? of : of.slice(0, DOWNGRADES_MAX);
  return html`
    <section class="card" aria-labelledby="downgrades">
      <header class="card-head"><h2 id="downgrades">Downgrades waiting</h2>
        ${count > shown.length && html`<span class="terms">the first ${shown.length} of ${count.toLocaleString("en")}</span>`}</header>
      ${of.length === 0 ? html`<p class="none">Nothing waits for a decision.</p>` : shown.map((each) => html`
        <${Downgrade} key=${each.recommendation} of=${each} />`)}
      ${of.length > DOWNGRADES_MAX && html`
        <button type="button" class="more" aria-expanded=${isWhole} onClick=${() => setWhole(!isWhole)}>
          ${isWhole ? "Show fewer" : `Show ${of.length}`}</button>`}
    </section>`;
}

/** @param {{of: import("../lib/types.js").Counts}} counts */
const Counts = ({ of }) => html`
  <ul class="counts" aria-label="How many">
    <${Count} number=${of.open} label="Open cases" href="/cases" state="open" />
    <${Count} number=${of.running} label="Running" href=${casesHref({ state: "running" })} state="running" />
    <${Count} number=${of.at_risk} label="At risk" href=${casesHref({ state: "at_risk" })} state="at_risk" />
    <${Count} number=${of.breached} label="Breached" href=${casesHref({ state: "breached" })} state="breached" />
    <${Count} number=${of.paused} label="Paused" href=${casesHref({ state: "paused" })} state="paused" />
    <${Count} number=${of.downgrades_waiting} label="Downgrades waiting" href="#downgrades" state="downgrade" />
  </ul>`;

/** @param {{number: number, label: string, href: string, state: string}} one */
const Count = ({ number, label, href, state }) => html`
  <li><a class="count" data-state=${state} data-empty=${number === 0} href=${href}>
    <span class="figure">${number.toLocaleString("en")}</span>
    <span class="label">${state !== "open" && state !== "downgrade" && html`<${Sign} of=${state} />`}${label}</span>
  </a></li>`;

/** @param {Document | null} said */
function useTitle(said) {
  const breached = said?.counts.breached ?? 0;
  useEffect(() => {
    document.title = breached ? `(${breached}) SLA board` : "SLA board";
  }, [breached]);
}

/** Breaches that were not there a moment ago. @param {Document | null} said */
function useBreachesAnnounced(said) {
  const known = useRef(/** @type {Set<string> | null} */ (null));
  useEffect(() => {
    if (!said) return;
    const before = known.current;
    known.current = new Set(said.breached.map(keyOf));
    if (!before) return;
    const fresh = said.breached.filter(
      (each) => !before.has(keyOf(each)) && Date.parse(each.deadline ?? "") > Date.parse(said.now) - 60_000,
    );
    if (fresh.length)
      announce(
        "breach",
        `${plural(fresh.length, "new breach", "new breaches")}: ${fresh
          .slice(0, 3)
          .map((each) => each.case_id)
          .join(", ")}`,
      );
  }, [said]);
}
