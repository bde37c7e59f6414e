// What stands where there is nothing to show yet, nothing at all, or something went wrong.

import { html } from "../html.js";
import { words } from "../format.js";
import { Icon } from "./icons.js";

/** Holds the room that the content will take: `rows` lines of it. */
export function Loading({ rows = 3, label = "Loading" }) {
  return html`<div class="loading" role="status" aria-label=${label}>
    ${Array.from({ length: rows }, (_, row) => html`<div class="bone" key=${row}></div>`)}
  </div>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    ${children}
  </div>`;
}

/** An error in the words of whoever refused, with a way on where there is one. */
export function Failure({ error, retry }) {
  const faults = error.problem?.errors ?? [];
  const request = error.problem?.instance?.replace("urn:request:", "");
  return html`<div class="failure" role="alert">
    <${Icon} name="warning" />
    <div>
      <p>${error.message}</p>
      ${faults.length > 0 &&
      html`<ul>
        ${faults.map((one) => html`<li><code>${one.pointer}</code> ${one.message}</li>`)}
      </ul>`}
      ${request && html`<p class="quiet small">Request <code>${request}</code></p>`}
      ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
    </div>
  </div>`;
}

/** The first answer's states in one place: bones, the error, or the content. */
export function Loaded({ from, rows, children }) {
  if (from.data !== undefined) {
    return html`${from.error && html`<${Failure} error=${from.error} retry=${from.reload} />`}
    ${children(from.data)}`;
  }
  if (from.error) return html`<${Failure} error=${from.error} retry=${from.reload} />`;
  return html`<${Loading} rows=${rows} />`;
}

/** What a provider would leave out of what is wished; nothing where there is nothing. */
export function Warnings({ texts }) {
  if (!texts.length) return null;
  return html`<ul class="warnings small" aria-label="What is left out">
    ${texts.map((text) => html`<li key=${text}>${text}</li>`)}
  </ul>`;
}

const TONES = {
  succeeded: "good", success: "good", stored: "good", closed: "good", active: "good", done: "good",
  failed: "bad", open: "bad", revoked: "bad", expired: "bad", in_doubt: "bad",
  running: "busy", storing: "busy", queued: "busy", pending: "busy", partial: "warn",
  half_open: "warn",
};

/** A state as a word with a mark; the colour only repeats what the word says. */
export function State({ is, tone = TONES[is] ?? "plain" }) {
  return html`<span class="state" data-tone=${tone}>${words(is)}</span>`;
}
