/** Starts the page. */
import { html, render } from "./lib/html.js";
import { watchLinks } from "./lib/route.js";
import { Frame } from "./parts/frame.js";

watchLinks();
render(html`<${Frame} />`, /** @type {Element} */ (document.getElementById("page")));
