// The page: signs people in, draws the frame, and opens the view that the address names.

import { connected, get } from "./api.js";
import { Icon } from "./components/icons.js";
import { Failure, Loading } from "./components/states.js";
import { News } from "./components/tell.js";
import { html, render, useEffect, useRef, useState } from "./html.js";
import { place, to } from "./router.js";
import { begin, end, may, session } from "./session.js";
import { useStore } from "./store.js";
import { nextTheme, theme } from "./theme.js";
import { useLoad, useTitle } from "./use.js";
import { VIEWS } from "./views/index.js";
import { SignIn } from "./views/sign-in.js";

function Studio() {
  const who = useStore(session);
  if (!who) return html`<${SignIn} /><${News} />`;
  return who.role ? html`<${Frame} who=${who} />` : html`<${Arriving} token=${who.token} />`;
}

/** The tab knows a token from before a reload; the gateway says whose it is. */
function Arriving({ token }) {
  const found = useLoad(async ({ signal }) => begin(token, (await get("/v1/me", { signal })).data));
  return html`<main class="sign-in" id="main">
    ${found.error
      ? html`<${Failure} error=${found.error} retry=${found.reload} />`
      : html`<${Loading} label="Signing in" />`}
  </main>`;
}

function Frame({ who }) {
  const here = useStore(place);
  const online = useStore(connected);
  const offered = VIEWS.filter((view) => may(view.role));
  const view = offered.find((one) => !here.view || one.id === here.view);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <div class="frame">
      <header class="rail">
        <a class="brand" href="#/">
          <img src=${new URL("./gate.svg", import.meta.url).href} alt="" width="22" height="22" />
          Filmgate
        </a>
        <${Menu} views=${offered} current=${view?.id} />
        <${Account} who=${who} />
      </header>
      <main id="main" tabindex="-1">
        ${view
          ? html`<${View} key=${view.id} view=${view} here=${here} who=${who} />`
          : html`<${Lost} />`}
      </main>
    </div>
    <div class="edge" role="status">
      ${!online &&
      html`<p class="offline">
        <${Icon} name="warning" /> No connection to the studio. What you see may be old; it goes on by itself.
      </p>`}
    </div>
    <${News} />
  `;
}

function Menu({ views, current }) {
  const active = useRef(null);
  useEffect(() => active.current?.scrollIntoView({ block: "nearest", inline: "center" }), [current]);
  return html`<nav aria-label="Views">
    ${views.map(
      (view) => html`<a
        key=${view.id}
        ref=${view.id === current ? active : null}
        href=${to(view.id)}
        aria-current=${view.id === current ? "page" : undefined}
      >
        <${Icon} name=${view.icon} />${view.title}
      </a>`,
    )}
  </nav>`;
}

function Account({ who }) {
  const chosen = useStore(theme);
  return html`<div class="account">
    <p class="who"><bdi>${who.user}</bdi> <span class="quiet">${who.role}</span></p>
    <button type="button" class="bare" onClick=${nextTheme} title="Dark, light, or as the system">
      <${Icon} name="theme" />${chosen}<span class="unseen"> theme, change</span>
    </button>
    <button type="button" class="bare" onClick=${() => end()}><${Icon} name="out" />Sign out</button>
  </div>`;
}

/** A view and its module, fetched on first use; afterwards there is no waiting. */
const arrived = new Map();

function View({ view, here, who }) {
  useTitle(view.title);
  const [, redraw] = useState(0);
  const [error, setError] = useState(null);
  const fetchIt = () => {
    setError(null);
    view.load().then((module) => {
      arrived.set(view.id, module.default);
      redraw((before) => before + 1);
    }, setError);
  };
  useEffect(() => arrived.has(view.id) || fetchIt(), [view.id]);
  const Found = arrived.get(view.id);
  if (Found) return html`<${Found} path=${here.path} query=${here.query} who=${who} />`;
  return html`<div class="view">
    <h1>${view.title}</h1>
    ${error
      ? html`<${Failure} error=${new Error("This part of the page did not arrive.")} retry=${fetchIt} />`
      : html`<${Loading} rows=${6} />`}
  </div>`;
}

function Lost() {
  return html`<div class="view">
    <h1>Nothing here</h1>
    <p>There is no such view, or it needs another role. <a href="#/">Go to the first one</a>.</p>
  </div>`;
}

function skip(event) {
  event.preventDefault(); // the address names the view
  document.getElementById("main").focus();
}

render(html`<${Studio} />`, document.getElementById("studio"));
