// The end of a list that comes in pages.

import { html } from "../html.js";

export function More({ of }) {
  if (!of.more) return null;
  return html`<div class="actions">
    <button type="button" disabled=${of.loading} onClick=${of.loadMore}>
      ${of.loading ? "Loading…" : "Show more"}
    </button>
  </div>`;
}
