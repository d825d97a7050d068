/** What is around every view: the way to the others, how live it all is, the token's form. */
import { html, useEffect, useRef } from "../lib/html.js";
import { announced } from "../lib/announce.js";
import { route } from "../lib/route.js";
import { useStore } from "../lib/store.js";
import { Overview } from "../views/overview.js";
import { Cases } from "../views/cases.js";
import { Case } from "../views/case.js";
import { Connection, LostBar } from "./connection.js";
import { ThemeSwitch } from "./theme.js";
import { TokenForm } from "./token_form.js";

export function Frame() {
  const at = useStore(route);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/"><img src="/static/favicon.svg" alt="" width="26" height="26" /> SLA board</a>
      <nav aria-label="Views">
        <${NavLink} href="/" here=${at.view === "overview"}>Overview<//>
        <${NavLink} href="/cases" here=${at.view === "cases"}>Open cases<//>
      </nav>
      <div class="top-end"><${Connection} /><${ThemeSwitch} /></div>
    </header>
    <${LostBar} />
    <main id="main" tabindex="-1"><${View} at=${at} key=${at.view + at.caseId} /></main>
    <${Announcements} />
    <${TokenForm} />`;
}

/** @param {{href: string, here: boolean, children: any}} link */
const NavLink = ({ href, here, children }) =>
  html`<a href=${href} aria-current=${here ? "page" : undefined}>${children}</a>`;

const Announcements = () => html`<p class="unseen" role="status">${useStore(announced)}</p>`;

/** @param {{at: import("../lib/route.js").Route}} where */
function View({ at }) {
  useFocusOnHeading();
  if (at.view === "overview") return html`<${Overview} />`;
  if (at.view === "cases") return html`<${Cases} query=${at.query} />`;
  if (at.view === "case") return html`<${Case} caseId=${at.caseId} />`;
  return html`<h1 tabindex="-1">Nothing is here</h1>
    <p class="plain">The board has an <a href="/">overview</a> and a <a href="/cases">list of open cases</a>.</p>`;
}

let isFirst = true;

/** Whoever came by a link hears and sees where they are; at the first view the browser does that. */
function useFocusOnHeading() {
  const done = useRef(false);
  useEffect(() => {
    if (done.current) return;
    done.current = true;
    if (!isFirst) {
      scrollTo(0, 0);
      /** @type {HTMLElement | null} */ (document.querySelector("main h1"))?.focus({ preventScroll: true });
    }
    isFirst = false;
  });
}
