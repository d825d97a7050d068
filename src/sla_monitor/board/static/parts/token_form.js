/** Asks for the token once, over the page, when the worker wants one. */
import { html, useEffect, useRef } from "../lib/html.js";
import { asked, keep } from "../lib/token.js";
import { useStore } from "../lib/store.js";

export function TokenForm() {
  const why = useStore(asked);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    if (why) dialog.current?.showModal();
  }, [why]);
  if (!why) return null;
  return html`
    <dialog ref=${dialog} class="sheet" aria-labelledby="token-title" onCancel=${(/** @type {Event} */ event) => event.preventDefault()}>
      <form onSubmit=${submit}>
        <h2 id="token-title">This worker asks for a token</h2>
        <p>It is the content of the file that <code>SLA_WEB_TOKEN_FILE</code> names. It stays in this tab until the tab is closed.</p>
        ${why === "wrong" && html`<p class="wrong" id="token-wrong" role="alert">The worker does not know this token.</p>`}
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="off" required autofocus
          aria-invalid=${why === "wrong"} aria-describedby=${why === "wrong" ? "token-wrong" : undefined} />
        <div class="buttons"><button class="primary">Show the board</button></div>
      </form>
    </dialog>`;
}

/** @param {SubmitEvent} event */
function submit(event) {
  event.preventDefault();
  const given = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("token");
  if (typeof given === "string" && given.trim()) keep(given);
}
