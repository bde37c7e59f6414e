// Library: every generation with its takes, by filters and page by page; one of them in full.

import { get } from "../api.js";
import { Field, Select } from "../components/field.js";
import { Empty, Failure, Loading } from "../components/states.js";
import { Tile } from "../components/tile.js";
import { html, useEffect, useState } from "../html.js";
import { requery, to } from "../router.js";
import { useLoad, useRested, useSheet } from "../use.js";
import { Lineage } from "./lineage.js";

const PAGE = 24;
const STATES = ["succeeded", "running", "queued", "storing", "failed", "cancelled"];
const EVERY = { value: "", label: "All" };

export default function Library({ path, query }) {
  const styled = useSheet("views/library.css");
  return html`<div class="view" hidden=${!styled}>
    ${path[0] ? html`<${Lineage} key=${path[0]} id=${path[0]} back=${query} />` : html`<${Shelf} query=${query} />`}
  </div>`;
}

function Shelf({ query }) {
  const filters = { state: query.state ?? "", provider: query.provider ?? "", project: query.project ?? "" };
  const { items, more, error, loading, next, again } = usePages(filters);
  return html`
    <header>
      <h1>Library</h1>
    </header>
    <${Filters} filters=${filters} />
    <div class="tiles" aria-busy=${loading}>
      ${items.map((item) => html`<${Tile} key=${item.id} item=${item} href=${to("library", [item.id], filters)} />`)}
    </div>
    ${error && html`<${Failure} error=${error} retry=${again} />`}
    ${loading && !items.length && html`<${Loading} rows=${5} />`}
    ${!loading && !error && !items.length && html`<${Nothing} filtered=${Object.values(filters).some(Boolean)} />`}
    <div class="more-row">
      ${more && html`<button type="button" disabled=${loading} onClick=${next}>${loading ? "Loading…" : "Show more"}</button>`}
    </div>
  `;
}

function Filters({ filters }) {
  const [project, setProject] = useState(filters.project);
  const rested = useRested(project, 350);
  const providers = useLoad(async ({ signal }) => (await get("/v1/providers", { signal })).data.items);
  const set = (fields) => requery({ ...filters, ...fields });
  useEffect(() => rested === filters.project || set({ project: rested.trim() }), [rested]);
  return html`<form class="filters" role="search" aria-label="Filter" onSubmit=${(event) => event.preventDefault()}>
    <${Select}
      label="State" value=${filters.state} onChange=${(state) => set({ state })}
      options=${[EVERY, ...STATES.map((value) => ({ value, label: value }))]}
    />
    <${Select}
      label="Provider" value=${filters.provider} onChange=${(provider) => set({ provider })}
      options=${[EVERY, ...(providers.data ?? []).map((one) => ({ value: one.id, label: one.id }))]}
    />
    <${Field} label="Project">
      ${(own) => html`<input
        ...${own} type="search" dir="auto" maxlength="128"
        value=${project} onInput=${(event) => setProject(event.currentTarget.value)}
      />`}
    <//>
  </form>`;
}

/** Pages behind each other. A page of a filtered list may be short or empty: only `next` ends it. */
function usePages(filters) {
  const key = JSON.stringify(filters);
  const [wanted, setWanted] = useState(null); // the cursor of the page that is asked for
  const [shown, setShown] = useState({ key, pages: [], next: null });
  const asked = useLoad(async ({ signal }) => {
    const cursor = shown.key === key ? wanted : null;
    const pages = cursor ? shown.pages : [];
    const { data } = await get("/v1/generations", { query: { ...filters, limit: PAGE, cursor }, signal });
    setShown({ key, pages: [...pages, ...data.items], next: data.next });
    if (!data.items.length && data.next) setWanted(data.next);
    return data;
  }, [key, wanted]);
  const current = shown.key === key;
  return {
    items: current ? shown.pages : [],
    more: current && shown.next,
    loading: asked.loading || !current,
    error: asked.error,
    next: () => setWanted(shown.next),
    again: asked.reload,
  };
}

function Nothing({ filtered }) {
  return filtered
    ? html`<${Empty} title="Nothing fits these filters."><p><a href=${to("library")}>Show everything</a></p><//>`
    : html`<${Empty} title="Nothing was made yet."><p><a href=${to("create")}>Make the first image</a></p><//>`;
}
