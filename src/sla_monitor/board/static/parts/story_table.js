/** All that happened, in words: what the timeline shows, and what it has no place for. */
import { html } from "../lib/html.js";
import { dayTime } from "../lib/words.js";

/** @param {{told: import("../lib/story.js").Told[], zone: string, chosen: number | null, choose: (number: number | null) => void}} of */
export const StoryTable = ({ told, zone, chosen, choose }) => html`
  <table class="story" role="table" aria-label="All that happened">
    <thead role="rowgroup"><tr role="row">${["No.", "Time", "What", "Said"].map((title) => html`
      <th key=${title} scope="col" role="columnheader">${title}</th>`)}</tr></thead>
    <tbody role="rowgroup">${told.map(
      (each) => html`
      <tr key=${each.id + each.source} id=${`told-${each.number}`} role="row" data-tone=${each.tone}
        data-void=${each.void} data-chosen=${chosen === each.number}
        onMouseEnter=${() => choose(each.number)} onMouseLeave=${() => choose(null)}>
        <td role="cell" class="story-number"><span class="dot" data-tone=${each.tone}>${each.number}</span></td>
        <td role="cell" class="story-time"><${At} atMs=${each.atMs} zone=${zone} /></td>
        <td role="cell" class="story-what">
          <strong>${each.void ? html`<s>${each.what}</s><span class="unseen"> (no longer stands)</span>` : each.what}</strong>
          <span class="terms">${each.lane === "events" ? "event" : "notice"}</span></td>
        <td role="cell" class="story-about">${each.about}</td>
      </tr>`,
    )}
    </tbody>
  </table>`;

/** @param {{atMs: number | null, zone: string}} of */
function At({ atMs, zone }) {
  if (atMs === null) return html`<span class="none" title="Only that it was said is known still">not kept</span>`;
  const iso = new Date(atMs).toISOString();
  return html`<time dateTime=${iso} title=${iso}>${dayTime(atMs, zone)}</time>`;
}
