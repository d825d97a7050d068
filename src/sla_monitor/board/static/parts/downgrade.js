/** A recommendation that waits for a person: what speaks for it, and the answer. */
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { announce } from "../lib/announce.js";
import { answer } from "../lib/api.js";
import { useNow } from "../lib/now.js";
import { caseHref } from "../lib/route.js";
import { clockTime, length, named } from "../lib/words.js";
import { Names, Severity } from "./marks.js";

/** @typedef {import("../lib/types.js").Downgrade} Waiting */

/** @param {{of: Waiting, isAlone?: boolean}} shown `isAlone`: on the page of its case, which needs no link */
export function Downgrade({ of, isAlone = false }) {
  const [asking, setAsking] = useState(/** @type {null | "confirm" | "decline"} */ (null));
  const [said, setSaid] = useState("");
  const now = useNow();
  return html`
    <article class="downgrade" aria-label=${`Downgrade of ${of.case_id} from ${of.from} to ${of.to}`}>
      <div class="downgrade-head">
        <span class="step"><${Severity} of=${of.from} />
          <span aria-hidden="true">→</span><span class="unseen"> to </span><${Severity} of=${of.to} /></span>
        <div class="downgrade-who">
          ${!isAlone && html`<a class="case-id" href=${caseHref(of.case_id)}>${of.case_id}</a> `}
          <span class="customer"><${Names} of=${[of.customer, of.queue]} /></span>
          <span class="terms">since <time dateTime=${of.since}>${clockTime(of.since, now)}</time></span>
        </div>
      </div>
      <p class="clause"><span class="rule">${of.rule}</span> ${of.clause}</p>
      <${Evidence} of=${of.evidence} />
      ${
        said
          ? html`<p class="sent">${said}</p>`
          : html`
        <div class="buttons">
          <button class="primary" aria-label=${`Lower to ${of.to}: ${of.case_id}`}
            onClick=${() => setAsking("confirm")}>Lower to ${of.to}</button>
          <button aria-label=${`Keep ${of.from}: ${of.case_id}`} onClick=${() => setAsking("decline")}>Keep ${of.from}</button>
        </div>`
      }
      ${asking && html`<${Answer} of=${of} verb=${asking} close=${() => setAsking(null)} done=${setSaid} />`}
    </article>`;
}

/** @param {{of: Record<string, any>}} evidence as the notice has it */
const Evidence = ({ of }) => html`
  <dl class="evidence">${Object.entries(of).map(
    ([name, value]) => html`
    <div key=${name} data-long=${Array.isArray(value)}><dt>${named(name.replace(/_seconds$/, ""))}</dt><dd>${told(name, value)}</dd></div>`,
  )}</dl>`;

/** @param {string} name @param {any} value @returns {any} */
function told(name, value) {
  if (name.endsWith("_seconds")) return length(value);
  if (Array.isArray(value)) return value.map((each) => told("", each)).join(", ");
  if (value && typeof value === "object") return value.id ?? JSON.stringify(value);
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return clockTime(value, Date.now());
  return String(value);
}

/** @param {{of: Waiting, verb: "confirm" | "decline", close: () => void, done: (said: string) => void}} asked */
function Answer({ of, verb, close, done }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [wrong, setWrong] = useState("");
  const [isSending, setSending] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const what =
    verb === "confirm"
      ? html`Lower <bdi>${of.case_id}</bdi> from ${of.from} to ${of.to}?`
      : html`Keep <bdi>${of.case_id}</bdi> at ${of.from}?`;
  const send = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const by = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("by");
    setSending(true);
    try {
      await answer(of.case_id, of.recommendation, verb, typeof by === "string" ? by.trim() : "");
      const words =
        verb === "confirm" ? `Confirmed; ${of.to} holds once the worker has read it.` : `Declined; ${of.from} stays.`;
      announce("answer", `${of.case_id}: ${words}`);
      done(words);
      dialog.current?.close();
    } catch (problem) {
      setWrong(problem instanceof Error ? problem.message : String(problem));
      setSending(false);
    }
  };
  const id = `answer-${of.recommendation}`;
  return html`
    <dialog ref=${dialog} class="sheet" aria-labelledby=${id} onClose=${close}>
      <form onSubmit=${send}>
        <h2 id=${id}>${what}</h2>
        <p>${of.clause}</p>
        <p class="terms">The decision is written to Kafka as an event of the case, like those of any other producer.</p>
        <label for=${`${id}-by`}>Decided by (may stay empty)</label>
        <input id=${`${id}-by`} name="by" maxlength="200" autocomplete="name" />
        ${wrong && html`<p class="wrong" role="alert">Not sent: ${wrong}</p>`}
        <div class="buttons">
          <button class="primary" disabled=${isSending}>${verb === "confirm" ? `Lower to ${of.to}` : `Keep ${of.from}`}</button>
          <button type="button" onClick=${() => dialog.current?.close()}>Not now</button>
        </div>
      </form>
    </dialog>`;
}
