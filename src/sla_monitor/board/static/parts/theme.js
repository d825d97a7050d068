/** Light, dark, or as the system has it. Kept in this browser. */
import { html, useState } from "../lib/html.js";

const KEY = "sla-monitor-theme";
const CHOICES = /** @type {const} */ ([
  ["auto", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
]);

function choose(/** @type {string} */ theme) {
  if (theme === "auto") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset.theme = theme;
  }
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "auto");
  const take = (/** @type {string} */ chosen) => {
    choose(chosen);
    setTheme(chosen);
  };
  return html`
    <fieldset class="theme">
      <legend class="unseen">Colours</legend>
      ${CHOICES.map(
        ([value, label]) => html`
        <label key=${value}>
          <input type="radio" name="theme" value=${value} checked=${theme === value} onChange=${() => take(value)} />
          <span>${label}</span></label>`,
      )}
    </fieldset>`;
}
