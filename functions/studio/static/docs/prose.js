// Text of the description: paragraphs, and words in backticks as code.

import { html } from "../html.js";

export function Prose({ text }) {
  return html`<div class="prose">
    ${(text ?? "").split("\n\n").map((paragraph) => html`<p>${coded(paragraph)}</p>`)}
  </div>`;
}

/** A line with its code marked. */
export const coded = (text) =>
  text.split("`").map((part, place) => (place % 2 ? html`<code>${part}</code>` : part));
