// The API, described and to be tried: draws /openapi.json, whatever operations it has.

import { get } from "./api.js";
import { Icon } from "./components/icons.js";
import { Loaded } from "./components/states.js";
import { Answers } from "./docs/answers.js";
import { groups, operations } from "./docs/document.js";
import { Account } from "./docs/account.js";
import { Prose } from "./docs/prose.js";
import { Try } from "./docs/try.js";
import { html, render, useEffect, useMemo, useRef, useState } from "./html.js";
import { place, to } from "./router.js";
import { useStore } from "./store.js";
import { nextTheme, theme } from "./theme.js";
import { useLoad, useTitle } from "./use.js";

function Docs() {
  const found = useLoad(async ({ signal }) => (await get("/openapi.json", { signal })).data);
  const here = useStore(place);
  const known = useMemo(() => (found.data ? operations(found.data) : []), [found.data]);
  const shown = known.find((one) => one.id === here.view);
  useTitle(shown?.summary ?? "API");
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <div class="frame docs">
      <header class="rail">
        <a class="brand" href="#/">
          <img src=${new URL("./gate.svg", import.meta.url).href} alt="" width="22" height="22" />
          Filmgate API
        </a>
        <${Account} />
        <${Menu} groups=${groups(found.data, known)} current=${shown?.id} />
        <${Ways} />
      </header>
      <main id="main" tabindex="-1">
        <${Loaded} from=${found} rows=${8}>
          ${(document) =>
            shown
              ? html`<${Operation} key=${shown.id} operation=${shown} document=${document} />`
              : html`<${About} document=${document} known=${known} />`}
        <//>
      </main>
    </div>
  `;
}

function Menu({ groups: all, current }) {
  const [wanted, setWanted] = useState("");
  const active = useRef(null);
  useEffect(() => active.current?.scrollIntoView({ block: "nearest" }), [current]);
  const words = wanted.toLowerCase().split(/\s+/);
  const fits = (one) => {
    const text = `${one.method} ${one.path} ${one.summary}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const left = all
    .map((group) => ({ ...group, operations: group.operations.filter(fits) }))
    .filter((group) => group.operations.length);
  return html`<nav aria-label="Operations">
    <input
      type="search"
      aria-label="Find an operation"
      placeholder="Find"
      value=${wanted}
      onInput=${(event) => setWanted(event.currentTarget.value)}
    />
    ${left.map(
      (group) => html`<div key=${group.name} class="group">
        <h2>${group.name}</h2>
        ${group.operations.map(
          (one) => html`<a
            key=${one.id}
            ref=${one.id === current ? active : null}
            href=${to(one.id)}
            aria-current=${one.id === current ? "page" : undefined}
          >
            <${Method} of=${one} /><span>${one.summary}</span>
          </a>`,
        )}
      </div>`,
    )}
    ${!left.length && all.length > 0 && html`<p class="quiet small">No operation has these words.</p>`}
  </nav>`;
}

function Ways() {
  const chosen = useStore(theme);
  return html`<div class="ways">
    <a class="button bare" href="/"><${Icon} name="film" />Studio</a>
    <a class="button bare" href="/openapi.json" download="filmgate-openapi.json">
      <${Icon} name="download" />openapi.json
    </a>
    <button type="button" class="bare" onClick=${nextTheme} title="Dark, light, or as the system">
      <${Icon} name="theme" />${chosen}<span class="unseen"> theme, change</span>
    </button>
  </div>`;
}

function About({ document, known }) {
  const { title, version, description } = document.info;
  return html`<div class="view">
    <header><h1>${title} API</h1><p class="quiet">version ${version}, OpenAPI ${document.openapi}</p></header>
    <section class="panel"><${Prose} text=${description} /></section>
    ${groups(document, known).map(
      (group) => html`<section class="panel" key=${group.name}>
        <header><h2>${group.name}</h2><p class="quiet">${group.told}</p></header>
        <ul class="list">
          ${group.operations.map(
            (one) => html`<li key=${one.id}>
              <a href=${to(one.id)}>
                <${Method} of=${one} /><code>${one.path}</code><span class="quiet">${one.summary}</span>
              </a>
            </li>`,
          )}
        </ul>
      </section>`,
    )}
  </div>`;
}

function Operation({ operation, document }) {
  useEffect(() => scrollTo(0, 0), []);
  return html`<div class="view">
    <header><h1>${operation.summary}</h1></header>
    <p class="address"><${Method} of=${operation} /><code>${operation.path}</code></p>
    <${Prose} text=${operation.description} />
    <div class="columns">
      <${Try} operation=${operation} document=${document} />
      <${Answers} operation=${operation} document=${document} />
    </div>
  </div>`;
}

function Method({ of }) {
  return html`<span class="method" data-method=${of.method}>${of.method}</span>`;
}

function skip(event) {
  event.preventDefault(); // the address names the operation
  document.getElementById("main").focus();
}

render(html`<${Docs} />`, document.getElementById("studio"));
