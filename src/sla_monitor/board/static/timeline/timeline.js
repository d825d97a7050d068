/**
 * The drawing. For those who do not see it: one sentence here, and the table below, which has every mark under the same
 * number.
 */
import { html, useLayoutEffect, useMemo, useRef, useState } from "../lib/html.js";
import { useNow } from "../lib/now.js";
import { dayTime, plural } from "../lib/words.js";
import { layout } from "./layout.js";

const WIDTH_FIRST = 900;

/**
 * @param {{detail: import("../lib/types.js").CaseDetail, told: import("../lib/story.js").Told[], chosen: number | null,
 *   choose: (number: number | null) => void}} of
 */
export function Timeline({ detail, told, chosen, choose }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(WIDTH_FIRST);
  const now = useNow();
  useLayoutEffect(() => {
    const watching = new ResizeObserver(([entry]) => setWidth(Math.max(280, Math.floor(entry.contentRect.width))));
    if (box.current) watching.observe(box.current);
    return () => watching.disconnect();
  }, []);
  const drawn = useMemo(() => layout(detail, told, width, now), [detail, told, width, now]);
  return html`
    <div ref=${box} class="timeline-box">
      <svg class="timeline" width=${drawn.width} height=${drawn.height} viewBox=${`0 0 ${drawn.width} ${drawn.height}`}
        role="img" aria-label=${inOneSentence(detail.case.case_id, drawn.clocks.length, told.length)}>
        <defs>
          <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <path d="M0 0V6" class="hatch" />
          </pattern>
        </defs>
        ${drawn.shaded.map((each, index) => html`
          <rect key=${`s${index}`} class="open" x=${each.fromX} y="24" width=${each.toX - each.fromX}
            height=${drawn.height - 24} />`)}
        ${drawn.ticks.map((tick) => html`
          <g key=${`t${tick.atMs}`} class="tick" data-day=${tick.isDay}>
            <path d=${`M${tick.x} 22V${drawn.height}`} /><text x=${tick.x + 3} y="15">${tick.text}</text>
          </g>`)}
        ${drawn.clocks.map((lane, index) => html`<${ClockLane} key=${`c${index}`} lane=${lane} width=${drawn.width} />`)}
        ${drawn.lanes.map(
          (lane) => html`
          <g key=${lane.label}><text class="lane-label" x="12" y=${lane.y + 14}>${lane.label}</text>
            ${lane.marks.map((mark) => html`
              <${Mark} key=${mark.told.number} mark=${mark} zone=${drawn.zone} choose=${choose}
                isChosen=${chosen === mark.told.number} />`)}</g>`,
        )}
        ${drawn.nowX !== null && html`
          <g class="now">
            <path d=${`M${drawn.nowX} 22V${drawn.height}`} />
            <text x=${Math.min(drawn.nowX + 4, drawn.width - 28)} y="34">now</text>
          </g>`}
      </svg>
    </div>`;
}

/** @param {{lane: import("./layout.js").ClockLane, width: number}} of */
const ClockLane = ({ lane }) => html`
  <g class="lane" data-state=${lane.state}>
    <text class="lane-label" x="12" y=${lane.y + 14}>${lane.label}</text>
    ${lane.bars.map((bar, index) => html`
      <rect key=${index} class=${`span span-${bar.kind}`} data-state=${bar.state} x=${bar.fromX} y=${lane.y + 22}
        width=${Math.max(1, bar.toX - bar.fromX)} height="12" rx="3" />`)}
    ${lane.flags.map((flag, index) => html`
      <g key=${`f${index}`} class=${`flag flag-${flag.kind}`} data-state=${flag.state}>
        <title>${flag.title}</title><path d=${shape(flag, lane.y + 28)} />
      </g>`)}
  </g>`;

/** @param {import("./layout.js").Flag} flag @param {number} y the bar's middle */
function shape({ kind, x }, y) {
  if (kind === "warning") return `M${x} ${y - 6}l6 11h-12z`;
  if (kind === "verdict") return `M${x - 5} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`;
  return `M${x} ${y + 9}V${y - 17}h11l-3 4 3 4h-11`; // a flag at the deadline
}

/** @param {{mark: import("./layout.js").Mark, zone: string, isChosen: boolean, choose: (number: number | null) => void}} of */
const Mark = ({ mark, zone, isChosen, choose }) => html`
  <g class="mark" data-tone=${mark.told.tone} data-void=${mark.told.void} data-chosen=${isChosen}
    transform=${`translate(${mark.x} ${mark.y})`} onMouseEnter=${() => choose(mark.told.number)}
    onMouseLeave=${() => choose(null)} onClick=${() => showLine(mark.told.number)}>
    <title>${title(mark, zone)}</title>
    <circle r="9" /><text y="3.5">${mark.hidden ? `+${mark.hidden}` : mark.told.number}</text>
    ${mark.told.void && html`<path class="strike" d="M-8 5 8 -5" />`}
  </g>`;

/** @param {string} caseId @param {number} clocks @param {number} entries */
const inOneSentence = (caseId, clocks, entries) =>
  `Timeline of ${caseId}: ${plural(clocks, "clock")}, ${plural(entries, "entry", "entries")}. ` +
  'The table "All that happened" says the same.';

/** @param {import("./layout.js").Mark} mark @param {string} zone */
function title({ told, hidden }, zone) {
  const at = dayTime(/** @type {number} */ (told.atMs), zone);
  return `${told.number}. ${told.what}, ${at}${hidden ? `, and ${hidden} more` : ""}`;
}

/** @param {number} number of a line of the table */
const showLine = (number) => document.getElementById(`told-${number}`)?.scrollIntoView({ block: "center" });
